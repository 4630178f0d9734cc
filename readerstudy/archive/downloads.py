"""How tables and results leave the site."""

import csv
import errno
import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.http import HttpResponse, StreamingHttpResponse

Row = dict[str, object]
# What OWASP's page "CSV Injection" names, wide forms of East Asian input too, and the apostrophe itself.
FORMULA = (*"=+-@\t\r\n＝＋－＠", "'")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def cell(value: object) -> str:
    """One value as text: empty for null, ISO 8601 UTC for times, true and false, numbers in full precision.

    A text that a spreadsheet would take for a formula, whoever wrote it, gets an apostrophe in front, and so does one
    that begins with an apostrophe: `analysis.tables` takes the first one away again.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = str(value)
    begins = text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)  # some spreadsheets take blanks away first
    return "'" + text if begins and not NUMBER.fullmatch(text) else text


class _Echo:
    """A file that hands back what is written, so that the csv module can feed a stream."""

    def write(self, text: str) -> str:
        return text


def csv_lines(columns: list[str], rows: Iterable[Row]) -> Iterator[str]:
    """A header line and one line per row, ended by CRLF as RFC 4180 says; cells in the order of `columns`."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([cell(row.get(name)) for name in columns])


def stream_csv(lines: Iterable[str | bytes], name: str) -> StreamingHttpResponse:
    """A CSV file that is written while it is sent; `name` is what the browser calls it."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def send_json(content: str | bytes, name: str) -> HttpResponse:
    """A JSON file; `name` is what the browser calls it."""
    return send_file(content, name, "application/json")


def send_file(content: str | bytes, name: str, content_type: str) -> HttpResponse:
    """A whole file; `name` is what the browser calls it."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class _Sent(io.RawIOBase):
    """A file that is sent while it is written: what `zipfile` writes, and nothing to seek in."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content) -> int:
        self.content += content
        return len(content)

    def taken(self) -> bytes:
        content = bytes(self.content)
        self.content.clear()
        return content


def zip_pieces(members: Iterable[tuple[str, bytes]], when: datetime) -> Iterator[bytes]:
    """A zip of (name, content), one member in memory at a time; `when` is the time of each. What is packed by gzip
    already is not packed again. FileExistsError at a name that was there: whoever unpacks would keep one of the two."""
    file, names = _Sent(), set[str]()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            if name in names:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
            names.add(name)
            info = zipfile.ZipInfo(name, when.astimezone(UTC).timetuple()[:6])
            packed = name.endswith(".gz")
            info.compress_type, info.external_attr = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, content)
            yield file.taken()
    yield file.taken()


def stream_zip(pieces: Iterable[bytes], name: str) -> StreamingHttpResponse:
    """A zip that is written while it is sent; `name` is what the browser calls it."""
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
