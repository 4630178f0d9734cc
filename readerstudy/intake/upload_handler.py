"""Uploaded bytes stream straight into the quarantine, encrypted; no plain copy touches the disk."""

from urllib.parse import unquote

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from readerstudy.archive.quarantine import QuarantineWriter, erase, folder
from readerstudy.intake.models import new_salt
from readerstudy.jobs.disk import ensure_room


class SealedFile(UploadedFile):
    """A file of the request that lies sealed in the quarantine at `path`."""

    def __init__(self, writer: QuarantineWriter, salt: str) -> None:
        super().__init__(name="sealed", size=writer.size)
        self.path, self.salt = writer.path, salt

    def close(self) -> None:
        """Nothing is open: the bytes are on disk under seal."""


class QuarantineUploadHandler(FileUploadHandler):
    """Seals every file of one request under one salt in a folder of its own."""

    def __init__(self, request=None) -> None:
        super().__init__(request)
        self.salt = new_salt()
        self.folder_name = f"request-{self.salt}"
        self.writer: QuarantineWriter | None = None

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise SkipFile
        ensure_room()
        # The page's script sends the path below the chosen folder with its slashes encoded; Django cuts plain ones.
        self.writer = QuarantineWriter(folder(self.folder_name), self.salt)
        self.writer.begin(unquote(self.file_name or ""))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.writer is not None  # made by new_file
        self.writer.write(raw_data)

    def file_complete(self, file_size: int) -> SealedFile:
        assert self.writer is not None
        self.writer.close()
        return SealedFile(self.writer, self.salt)

    def upload_interrupted(self) -> None:
        if self.writer:
            self.writer.discard()
        erase(self.folder_name)


def sealed_files(request: HttpRequest, name: str) -> list[SealedFile]:
    """The files of a form's field, as the handler sealed them."""
    return [file for file in request.FILES.getlist(name) if isinstance(file, SealedFile)]
