"""Documents made for tests, whole and broken, each by the few bytes that its format needs."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import pypdf
from openpyxl.workbook.workbook import Workbook

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def pdf(pages: Sequence[str], *, picture: bool = False) -> bytes:
    """A PDF with a line of text on each page; with *picture* a dot is shown on each."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    image = "/XObject << /I 3 0 R >>" if picture else ""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream",
    ]
    for text in pages:
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        content = f"BT /F 12 Tf 72 700 Td ({escaped}) Tj ET" if text else ""
        number = len(objects) + 1
        objects += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R "
                f"/Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> {image} >> >>"
            ).encode(),
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream".encode(),
        ]
    return assembled(objects)


def assembled(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def encrypted_pdf(*, user: str, algorithm: str = "AES-256") -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(["a secret"])))
    writer.encrypt(user, "owner", algorithm=algorithm)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def pdf_bomb() -> bytes:
    """A page whose content is 300 MB when unpacked."""
    packer = zlib.compressobj(9)
    packed = b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(300)), packer.flush()])
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        ]
    )


def pdf_that_takes_long() -> bytes:
    """A hundred pages that are nothing bad, but take a reader some 20 s: each shows 10,000 letters one by one."""
    packed = zlib.compress(b"BT /F 12 Tf " + b"(a) Tj 0 9 Td " * 10_000 + b"ET")
    font = b"<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 3 0 R /Resources %s >>" % font
    kids = b" ".join(b"%d 0 R" % n for n in range(4, 104))
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count 100 >>" % kids,
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
            *[page] * 100,
        ]
    )


def pdf_of_itself() -> bytes:
    """Pages whose children are themselves."""
    return assembled(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 >>"]
    )


def word(body: str, **entries: str | bytes) -> bytes:
    return zipped({"word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>', **entries})


def paragraph(text: str, *, style: str = "", broken: str = "", listed: bool = False) -> str:
    properties = f'<w:pPr>{f"""<w:pStyle w:val="{style}"/>""" if style else ""}{"<w:numPr/>" if listed else ""}</w:pPr>'
    return f"<w:p>{properties}<w:r>{broken}<w:t>{text}</w:t></w:r></w:p>"


def powerpoint(slides: Sequence[tuple[str, str]]) -> bytes:
    """Slides with a title and a text each; the first has notes."""
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="rId{n}"/>' for n in range(len(slides)))
    relations = "".join(f'<Relationship Id="rId{n}" Target="slides/slide{n}.xml"/>' for n in range(len(slides)))
    entries: dict[str, str | bytes] = {
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{R}"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>',
        "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{RELATIONS}">{relations}</Relationships>',
        "ppt/slides/_rels/slide0.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="n" Target="../notesSlides/notesSlide0.xml"/></Relationships>',
        "ppt/notesSlides/notesSlide0.xml": f'<p:notes xmlns:p="{P}" xmlns:a="{A}"><a:p><a:t>say this</a:t></a:p></p:notes>',
    }
    for n, (title, text) in enumerate(slides):
        shapes = (
            f'<p:sp><p:ph type="title"/><a:p><a:t>{title}</a:t></a:p></p:sp><p:sp><a:p><a:t>{text}</a:t></a:p></p:sp>'
        )
        entries[f"ppt/slides/slide{n}.xml"] = f'<p:sld xmlns:p="{P}" xmlns:a="{A}">{shapes}</p:sld>'
    return zipped(entries)


def excel(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def epub(chapters: Sequence[str]) -> bytes:
    items = "".join(f'<item id="c{n}" href="chapter%20{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="text/book.opf"/></rootfiles></container>',
            "text/book.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{f"text/chapter {n}.xhtml": html for n, html in enumerate(chapters)},
        }
    )


def zip_bomb() -> bytes:
    return word("x", **{"word/media/large.xml": b"\0" * (100 << 20)})


def lying_zip() -> bytes:
    """A zip whose list states small sizes for a large part."""
    data = bytearray(word(paragraph("x" * (70 << 20))))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (1000).to_bytes(4, "little")
    return bytes(data)


def billion_laughs() -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    declared = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]>'
    return zipped({"word/document.xml": f'{declared}<w:document xmlns:w="{W}"><w:body>&a9;</w:body></w:document>'})


def declaring(encoding: str, kind: str = "docx") -> bytes:
    """A document or a sheet that declares an entity, its XML in *encoding*."""
    head = f'<?xml version="1.0" encoding="{encoding[:6]}"?><!DOCTYPE x [<!ENTITY a "haha">]>'
    if kind == "docx":
        body = f'{head}<w:document xmlns:w="{W}"><w:body>{paragraph("a text of words &a;")}</w:body></w:document>'
        return zipped({"word/document.xml": body.encode(encoding)})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(excel({"S": [["a"]]}))) as book, zipfile.ZipFile(out, "w") as changed:
        for name in book.namelist():
            data = book.read(name)
            if name.startswith("xl/worksheets/"):
                data = (head + " " * 5000).encode(encoding) + data.decode().partition("?>")[2].encode(encoding)
            changed.writestr(name, data)
    return out.getvalue()


_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /XObject << /A 5 0 R >> /Font << /F 5 0 R >> >> /Contents 4 0 R >>"
_TREE = (b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def endless_pdfs() -> dict[str, bytes]:
    """PDFs whose objects lead back to themselves, or double at each step."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A %d 0 R /B %d 0 R >> >>"
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 6 0 R /DescendantFonts [5 0 R] >>"
    codes = b"6 0 R usecmap begincmap 1 beginbfrange <0000> <FFFFFFFF> <0041> endbfrange endcmap"
    kids = [b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count 2 >>" % (n + 3, n + 3) for n in range(40)]
    forms = [_stream(form % (n + 6, n + 6), b"/A Do /B Do") for n in range(16)]
    once = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    table = b"xref\n0 1\n0000000000 65535 f \ntrailer << /Size 3 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF" % (
        len(once),
        len(once),
    )
    return {
        "the root is itself": assembled([b"1 0 R"]),
        "references in a ring": assembled([_TREE[0], b"3 0 R", b"2 0 R"]),
        "parents in a ring": assembled([_TREE[0], _TREE[1][:-3] + b" /Parent 3 0 R >>", b"<< /Type /Page /Parent 2 0 R >>"]),
        "pages that double": assembled([_TREE[0], *kids, b"<< /Type /Page /MediaBox [0 0 9 9] >>"]),
        "contents of contents": assembled([*_TREE, _PAGE, b"[4 0 R 4 0 R]"]),
        "a length that is its own": assembled([*_TREE, _PAGE, b"<< /Length 4 0 R >>\nstream\nBT (a) Tj ET\nendstream"]),
        "a form in itself": assembled([*_TREE, _PAGE, _stream(b"", b"/A Do"), _stream(form % (5, 5), b"/A Do /B Do")]),
        "forms that double": assembled([*_TREE, _PAGE, _stream(b"", b"/A Do"), *forms, _stream(b"/Subtype /Form", b"BT (a) Tj ET")]),
        "a font of itself": assembled([*_TREE, _PAGE, _stream(b"", b"BT /F 9 Tf (a) Tj ET"), font, _stream(b"/UseCMap 6 0 R", codes)]),
        "5,000 filters": assembled([*_TREE, _PAGE, _stream(b"/Filter [" + b"/ASCIIHexDecode " * 5000 + b"]", b"41>")]),
        "arrays in arrays": assembled([*_TREE, _PAGE[:-3] + b"/X " + b"[" * 100_000]),
        "a table before itself": once + table,
    }  # fmt: skip
