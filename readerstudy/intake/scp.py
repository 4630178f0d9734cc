"""C-STORE: scanners and PACS send to the title of a study; what comes gathers sealed, like everything that comes in.

An association is accepted from known peers alone: title and address. pynetdicom holds an image that comes in memory,
never on the disk; how large one may be, and how many peers send at once, is limited.
"""

import ipaddress
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import close_old_connections
from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from processing.dicom.start import NEEDED, TAKEN, read_start
from processing.errors import InputError
from readerstudy.intake.deliveries import Delivery, TooLateError, gathering
from readerstudy.intake.models import Upload
from readerstudy.jobs.disk import NoRoomError
from readerstudy.protocol.models import ReaderStudy

Event = Any  # pynetdicom's, whose attributes are those of what happened

VERIFICATION = "1.2.840.10008.1.1"
# Without loss, and readable.
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    RLELossless,
]
# Statuses of C-STORE (PS3.4 B.2.3, PS3.7 C).
STORED, NO_ROOM, OTHER_OBJECT, UNREADABLE, NOT_NOW, FAILED = 0x0000, 0xA700, 0xA900, 0xC000, 0x0124, 0x0110
# Why an association is rejected (PS3.8 9.3.4): for good or for now, by the user of the service.
UNKNOWN_CALLING, UNKNOWN_CALLED, TRY_AGAIN = (1, 1, 3), (1, 1, 7), (2, 1, 1)
LONGEST_TITLE, LONGEST_COMMENT = 16, 64
PDU = 128 << 10  # bytes
LONGEST_PDU = 2 * PDU  # what asks for an association may be longer
ANEW = 5.0  # seconds
PATIENCE = 60  # seconds without a word
NEEDS = "This needs pynetdicom: pip install -c requirements/constraints.txt -r requirements/dicom.txt."
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Peer:
    """Who may send: its application entity title, where it sends from, to which studies (none named: to all)."""

    title: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    studies: frozenset[str] = frozenset()

    def is_at(self, address: str) -> bool:
        """Whether it sends from there."""
        return ipaddress.ip_address(address.partition("%")[0]) in self.network

    def sends_to(self, slug: str) -> bool:
        """Whether it may send to this study."""
        return not self.studies or slug in self.studies


def read_peer(text: str) -> Peer:
    """TITLE@ADDRESS, or TITLE@ADDRESS=STUDY,…; an address may be a network. InputError if it is none.

    Examples
    --------
    >>> peer = read_peer("MRI1@10.0.0.0/24=spine")
    >>> peer.is_at("10.0.0.7"), peer.sends_to("spine"), peer.sends_to("head")
    (True, True, False)
    """
    who, _, studies = text.partition("=")
    title, _, address = who.partition("@")
    try:
        network = ipaddress.ip_network(address)
    except ValueError:
        network = None
    if network is None or not _is_title(title):
        raise InputError(f"{text} is no peer: write TITLE@ADDRESS, such as MRI1@10.0.0.5 or MRI1@10.0.0.0/24=spine.")
    return Peer(title.strip(), network, frozenset(filter(None, studies.split(","))))


def read_titles(texts: Collection[str]) -> dict[str, str]:
    """TITLE=STUDY of each; InputError if one is not so."""
    found = {}
    for text in texts:
        title, _, slug = text.partition("=")
        if not slug or not _is_title(title):
            raise InputError(f"{text} is no title of a study: write TITLE=STUDY, with up to {LONGEST_TITLE} letters.")
        found[title.strip()] = slug
    return found


def _is_title(text: str) -> bool:
    return 0 < len(text.strip()) <= LONGEST_TITLE and text.isascii() and text.isprintable() and "\\" not in text


@dataclass
class Receiver:
    """Takes what peers send. titles: of studies whose short name is no title, or is to have another.

    largest: bytes of an image, as it comes.
    """

    peers: Collection[Peer]
    largest: int
    titles: Mapping[str, str] = field(default_factory=dict)
    coming: dict[object, int] = field(default_factory=dict)  # bytes of the image on its way, by association
    gathered: dict[object, tuple[Upload, float]] = field(default_factory=dict)  # where they go, and since when

    def study_of(self, title: str) -> ReaderStudy | None:
        """The study that is called so: by the title that it was given, else by its short name in any capitals."""
        slug = self.titles.get(title)
        known = ReaderStudy.objects.filter(slug=slug) if slug else ReaderStudy.objects.filter(slug__iexact=title)
        return known.first()

    def opened(self, event: Event) -> None:
        """Hang up on who is at the address of no peer, before a word is read; on others once they announce more at once
        than was agreed on, which pynetdicom would read into memory whole."""
        address = event.address[0]
        event.assoc.dul.socket.recv = _in_measure(event.assoc.dul.socket)
        if not any(peer.is_at(address) for peer in self.peers):
            logger.warning("C-STORE: hung up on %s, where no peer is", address)
            event.assoc.dul.socket.close()

    def requested(self, event: Event) -> None:
        """Reject an association of who may not send, or to what is no study; also where that cannot be told, since
        pynetdicom lets in whoever is not rejected."""
        try:
            why = self._objection(event)
        except Exception:
            logger.exception("C-STORE")
            why = TRY_AGAIN
        self.coming[event.assoc] = 0
        if why:
            event.assoc.acse.send_reject(*why)
            event.assoc.kill()  # once that is said

    def _objection(self, event: Event) -> tuple[int, int, int] | None:
        close_old_connections()
        calling, called, address = self._title(event), self._called(event), str(event.assoc.requestor.address)
        known = [peer for peer in self.peers if peer.title == calling and peer.is_at(address)]
        study = self.study_of(called)
        if not known:
            why = UNKNOWN_CALLING
        elif study is None or not any(peer.sends_to(study.slug) for peer in known):
            why = UNKNOWN_CALLED
        else:
            return None
        logger.warning("C-STORE: rejected an association of %r at %s to %r", calling, address, called)
        return why

    def received(self, event: Event) -> None:
        """Hang up on a peer whose image is too large, before it fills the memory."""
        size = self.coming.get(event.assoc, 0) + len(event.data)
        self.coming[event.assoc] = size
        if size > self.largest:
            logger.warning("C-STORE: hung up on %r: an image of more than %d bytes", self._title(event), self.largest)
            event.assoc.dul.socket.close()

    def closed(self, event: Event) -> None:
        """Nothing comes any more."""
        self.coming.pop(event.assoc, None)
        self.gathered.pop(event.assoc, None)

    def store(self, event: Event) -> Dataset:
        """Seal one image; the status that its sender is told."""
        self.coming[event.assoc] = 0
        try:
            close_old_connections()
            return self._stored(event)
        except (NoRoomError, TooLateError) as error:
            self.gathered.pop(event.assoc, None)
            return _status(NO_ROOM, str(error))
        except InputError as error:
            return _status(NOT_NOW, str(error))
        except Exception:
            logger.exception("C-STORE")
            return _status(FAILED, "The site could not keep it.")

    def _stored(self, event: Event) -> Dataset:
        request = event.request
        meta, content = _meta(event), request.DataSet.getbuffer()
        start = read_start(meta + bytes(content[:NEEDED]))
        if start is None:
            return _status(UNREADABLE, "The image does not say what it is.")
        if (start.sop_class, start.instance) != (request.AffectedSOPClassUID, request.AffectedSOPInstanceUID):
            return _status(OTHER_OBJECT, "The image is another one than was announced.")

        def pieces() -> Iterator[bytes]:
            yield meta
            yield content

        with Delivery(self._gathering(event)) as delivery:
            if not delivery.take(f"{start.instance}.dcm", pieces(), at_most=self.largest):
                return _status(NO_ROOM, "The image is too large.")
            delivery.keep()
        return _status(STORED)

    def _gathering(self, event: Event) -> Upload:
        """The upload in which the images of an association gather; every few seconds it is asked for anew."""
        upload, since = self.gathered.get(event.assoc, (None, 0.0))
        if upload is None or time.monotonic() - since > ANEW:
            study = self.study_of(self._called(event))
            if study is None:
                raise InputError("There is no such study any more.")
            upload = gathering(study=study, door=f"c-store {self._title(event)}")
            self.gathered[event.assoc] = upload, time.monotonic()
        return upload

    def handlers(self) -> list[tuple[Any, Any]]:
        """What pynetdicom is to call, and when."""
        from pynetdicom import evt

        return [
            (evt.EVT_CONN_OPEN, self.opened),
            (evt.EVT_REQUESTED, self.requested),
            (evt.EVT_DATA_RECV, self.received),
            (evt.EVT_C_STORE, self.store),
            (evt.EVT_CONN_CLOSE, self.closed),
        ]

    def _title(self, event: Event) -> str:
        return str(event.assoc.requestor.primitive.calling_ae_title).strip()

    def _called(self, event: Event) -> str:
        return str(event.assoc.requestor.primitive.called_ae_title).strip()


def _in_measure(connection: Any) -> Callable[[int], bytearray]:
    """How pynetdicom reads what its peer announces from a connection: no more than a PDU has."""
    read = connection.recv

    def recv(count: int) -> bytearray:
        if count <= LONGEST_PDU:
            return read(count)
        logger.warning("C-STORE: hung up on a peer that announced %d bytes at once", count)
        connection.close()
        raise OSError("More was announced than a PDU has.")

    return recv


def _meta(event: Event) -> bytes:
    """Preamble and file meta information of an image, which its sender leaves out."""
    from pynetdicom.dsutils import encode_file_meta

    return b"\0" * 128 + b"DICM" + encode_file_meta(event.file_meta)


def _status(code: int, comment: str = "") -> Dataset:
    told = Dataset()
    told.Status = code
    if comment:
        told.ErrorComment = comment[:LONGEST_COMMENT]
    return told


@contextmanager
def serving(receiver: Receiver, address: tuple[str, int], *, associations: int) -> Iterator[int]:
    """Receive while the block runs; gives the port. InputError without pynetdicom, OSError if it cannot listen."""
    made = _entity(associations)
    server = made.start_server(address, block=False, evt_handlers=receiver.handlers())
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        made.shutdown()


def _entity(associations: int) -> Any:
    """The application entity: which images it takes, and how."""
    try:
        from pynetdicom import AE
    except ImportError as error:
        raise InputError(NEEDS) from error
    made = AE()
    made.add_supported_context(VERIFICATION)
    for sop_class in TAKEN:
        made.add_supported_context(UID(sop_class), SYNTAXES)
    made.maximum_associations, made.maximum_pdu_size = associations, PDU
    made.acse_timeout = made.dimse_timeout = made.network_timeout = PATIENCE
    return made
