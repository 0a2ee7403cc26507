"""Zip files that hold a document. Entries are read into memory and counted; nothing is ever unpacked to a path that an archive names."""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib

from openclaw_core.sealed.values import MIB, RunnerCause
from openclaw_runner.readers.document import Unreadable

ENTRIES_MAX = 10_000
UNPACKED_MAX = 256 * MIB  # of all entries together
ENTRY_MAX = 64 * MIB
RATIO_MAX = 200  # of an entry that is large when unpacked; text reaches 20, a bomb 1,000
RATIO_FROM = 4 * MIB

_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


class Archive:
    """A zip file. Raises Unreadable for what is encrypted, damaged, or made to exhaust its reader."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
            raise Unreadable(RunnerCause.DAMAGED, "the archive is cut off or damaged") from exc
        entries = self._zip.infolist()
        if len(entries) > ENTRIES_MAX:
            raise Unreadable(RunnerCause.HOSTILE, "it holds more files than any document")
        if sum(entry.file_size for entry in entries) > UNPACKED_MAX:
            raise Unreadable(RunnerCause.HOSTILE, "unpacked it would be many times its size")
        for entry in entries:
            if entry.flag_bits & 1:
                raise Unreadable(RunnerCause.ENCRYPTED, "it needs a password")
            packed = max(1, entry.compress_size)
            if entry.file_size > RATIO_FROM and entry.file_size / packed > RATIO_MAX:
                raise Unreadable(RunnerCause.HOSTILE, "unpacked it would be many times its size")
        self.names = frozenset(entry.filename for entry in entries)

    def read(self, name: str) -> bytes:
        """The bytes of one entry. Its size is counted as it is unpacked: the one that it states may be a lie."""
        try:
            with self._zip.open(name) as entry:
                data = entry.read(ENTRY_MAX + 1)
        except KeyError as exc:
            raise Unreadable(RunnerCause.DAMAGED, "a part is missing") from exc
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as exc:
            raise Unreadable(RunnerCause.DAMAGED, "a part is damaged") from exc
        if len(data) > ENTRY_MAX:
            raise Unreadable(RunnerCause.HOSTILE, "unpacked it would be many times its size")
        return data

    def xml(self, name: str) -> ET.Element:
        """One entry as XML. Documents of this kind declare no entities, and those that do can grow without end."""
        return parse_xml(self.read(name))


def parse_xml(data: bytes) -> ET.Element:
    """XML without declarations of its own. Raises Unreadable."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = re.sub(r"^<\?xml.*?\?>", "", data.decode("utf-16", "replace")).encode()
    if declares_entities(data):
        raise Unreadable(RunnerCause.HOSTILE, "it declares entities of its own")
    try:
        return ET.fromstring(data)  # noqa: S314 - what could grow is refused above
    except ET.ParseError as exc:
        raise Unreadable(RunnerCause.DAMAGED, "a part is no XML") from exc


def declares_entities(data: bytes) -> bool:
    """Whether *data* has a declaration of XML, in any encoding that the parser finds out by itself: UTF-16 is ASCII with zeros between."""
    return _DOCTYPE.search(data.replace(b"\0", b"")) is not None


def local(tag: object) -> str:
    """A tag without its namespace: strict and transitional files differ in those alone."""
    return str(tag).rpartition("}")[2]


def attribute(element: ET.Element, name: str) -> str:
    """An attribute by its name without the namespace."""
    return next((value for key, value in element.attrib.items() if local(key) == name), "")
