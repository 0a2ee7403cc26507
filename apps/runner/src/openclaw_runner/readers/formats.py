"""Which reader a file gets: by its first bytes, and by its name where those say nothing. A name may lie."""

from openclaw_core.sealed.values import RunnerCause
from openclaw_runner.readers.document import Document, Unreadable

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_document(name: str, data: bytes) -> Document:
    """Open *data* with the reader of its kind; each imports its library as it is needed. Raises Unreadable."""
    suffix = name.rpartition(".")[2].lower()
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable(RunnerCause.EMPTY, "the file is empty")
    if b"%PDF-" in data[:1024]:
        from openclaw_runner.readers import pdf

        return pdf.read(data)
    if data.startswith(b"PK"):
        return _archive(data)
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Unreadable(RunnerCause.ENCRYPTED, "it needs a password")
        raise Unreadable(RunnerCause.UNSUPPORTED, "an Office format of before 2007 cannot be read")
    if data.startswith(_PICTURES):
        raise Unreadable(RunnerCause.UNSUPPORTED, "a picture has no text to read")
    return _text(suffix, data)


def _archive(data: bytes) -> Document:
    from openclaw_runner.readers import office, web
    from openclaw_runner.readers.archive import Archive

    archive = Archive(data)
    if office.WORD in archive.names:
        return office.read_word(archive)
    if office.POWERPOINT in archive.names:
        return office.read_powerpoint(archive)
    if "xl/workbook.xml" in archive.names:
        from openclaw_runner.readers import excel

        return excel.read(data, archive)
    if web.EPUB in archive.names:
        return web.read_epub(archive)
    raise Unreadable(RunnerCause.UNSUPPORTED, "this kind of archive cannot be read")


def _text(suffix: str, data: bytes) -> Document:
    from openclaw_runner.readers import plain, web

    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if suffix in ("html", "htm", "xhtml") or start.startswith((b"<!doctype html", b"<html")):
        return web.read_html(data)
    if suffix in ("csv", "tsv"):
        return plain.read_table(data)
    if suffix in plain.CODE:
        return plain.read_code(data, plain.CODE[suffix])
    return plain.read_text(data)
