"""A page's bytes become readable text with a title and a date.

This file is also a program: `children` runs it by itself, without the agent. It stays one file because Python's isolated
mode (`-I`) finds no module beside it.

It needs Python's own library alone, and of that no parser written in C: bytes of a stranger meet no code that can be
made to write outside of its memory. What it can be made to do is take long, and its process has limits for that.
"""

import codecs
import json
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser

TEXT_MAX_CHARS = 300_000
TITLE_MAX_CHARS = 300
_MAIN_LEAST_CHARS = 200
"""From so many characters on, what is in `<main>` or `<article>` is the page."""
_LINKS_MOST = 0.7
"""A paragraph or list entry that is links to a larger share leads elsewhere and says nothing."""


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SILENT = _tags(
    "script style title noscript noframes noembed template svg math iframe object canvas audio video select datalist button textarea"
)
_CLOSED = _tags("script style title iframe noscript noframes noembed template textarea select object")
"""One of these is ended by its own end tag alone, whatever is open in it."""
_FOREIGN = frozenset({"svg", "math"})
_NOT_FOREIGN = _tags("b big code em font i nobr ruby s small span strike strong sub sup tt u var")
"""Elements that are no blocks, and end a drawing or formula that they are in."""
_FORMATTING = _tags("a b big code em font i nobr s small strike strong tt u")
"""A browser opens them again behind the end of what they are in."""
_AROUND = _tags("nav footer aside dialog menu")
_VOID = _tags("area base br col embed hr img input link meta param source track wbr")
_BLOCKS = _tags(
    """address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr
    html li main nav ol p pre section summary table tbody td tfoot th thead tr ul"""
)
_TABLE = _tags("table caption thead tbody tfoot tr td th")
_ENDS_ITSELF = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})
_HIDDEN_STYLE = re.compile(
    r"""(?:^|[;\s])(?:
      display\s*:\s*none | (?:content-)?visibility\s*:\s*(?:hidden|collapse) | color\s*:\s*transparent
    | (?:opacity\s*:\s*0?(?:0|\.0\d*) | font-size\s*:\s*0?(?:0|\.0\d*)[a-z%]*) \s*(?:;|$|!)
    | (?:left|top|right|bottom|text-indent|margin-(?:left|top))\s*:\s*-\d{3,}
    | clip\s*:\s*rect\(\s*[01](?:px)?[\s,]+[01](?:px)?[\s,)] | clip-path\s*:\s*inset\(\s*(?:50|100)% | transform\s*:\s*scale[XY]?\(\s*0\s*[,)]
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_SIZE = re.compile(r"(?:^|[;\s])(?:max-)?(?:height|width)\s*:\s*0[a-z%]*\s*(?:;|$|!)", re.IGNORECASE)
_NO_OVERFLOW = re.compile(r"overflow\s*:\s*(?:hidden|clip)", re.IGNORECASE)
_INNER_SCRIPT = re.compile(r"-->|<script(?=[\s/>])", re.IGNORECASE)
_INNER_SCRIPT_END = re.compile(r"-->|</script(?=[\s/>])", re.IGNORECASE)
_STYLE_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_STYLE_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|([^\n0-9a-f]))", re.IGNORECASE)
_AROUND_NAMES = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|banner|sidebar|menu|navbar|breadcrumbs?|share|social|promo|advert|ads?|newsletter|subscribe|related|popup|modal)(?:$|[\s_-])",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_DATE_NAMES = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dcterms.created",
    "pubdate",
    "article:modified_time",
    "datemodified",
)
_LINKED_DATE = re.compile(r'"date(?:Published|Created|Modified)"\s*:\s*"([^"]{8,40})"')
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_CHARSETS = re.compile(
    r"(?:utf[-_]?(?:8|16|16[-_]?[lb]e)(?:-sig)?|us-?ascii|ascii|latin-?1|iso-?8859-?\d{1,2}(?:-[ie])?|(?:windows-?|cp)\d{3,4}|koi8-[ru]|big5(?:-?hkscs)?|gb(?:k|2312|18030)|euc-?(?:jp|kr)|shift[-_]?jis|x-sjis|iso-2022-jp|tis-620|mac-?(?:roman|cyrillic))",
    re.IGNORECASE,
)
"""Of Python's codecs those of texts on the web: some others run long, or are not for texts at all."""


@dataclass(frozen=True)
class ReadableText:
    """What a page or document says. All of it is a stranger's words."""

    text: str = field(repr=False)
    """Paragraphs with an empty line between; `#` before headings, `-` before list entries, fences around code."""
    title: str = field(default="", repr=False)
    date: str = ""
    """`YYYY-MM-DD` as the page says it; empty if it does not."""
    cut: bool = False
    """Whether the text is longer than TEXT_MAX_CHARS and was cut."""


def read(body: bytes, kind: str, charset: str = "") -> ReadableText:
    """The document that *body* is: `html`, or any kind of plain text."""
    text = decoded(body, charset)
    if kind != "html":
        return _document(text.replace("\r\n", "\n").strip(), "", "")
    page = _Page(strict=True)
    page.read(text)
    found = page.text()
    if len(found) < _MAIN_LEAST_CHARS:  # what looked like the frame of a page may be all of it
        whole = _Page(strict=False)
        whole.read(text)
        found = max(found, whole.text(), key=len)
    return _document(found, page.title, page.date)


def decoded(body: bytes, charset: str) -> str:
    """The text of *body*: by its first bytes, the server's word, the page's own, UTF-8, or what older Hebrew programs write."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    own = _META_CHARSET.search(body[:4096])
    for name in (charset, own[1].decode() if own else ""):
        if not _CHARSETS.fullmatch(name):
            continue
        # iso-8859-8-i is Hebrew in the order in which it is read.
        name = (
            "iso-8859-8"
            if name.lower().replace("_", "-").startswith("iso-8859-8")
            else name.lower().replace("x-sjis", "shift_jis")
        )
        try:
            return body.decode(name, "replace")
        except LookupError:
            continue
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1255", "replace")


def _document(text: str, title: str, date: str) -> ReadableText:
    return ReadableText(
        text=text[:TEXT_MAX_CHARS],
        title=" ".join(title.split())[:TITLE_MAX_CHARS],
        date=date,
        cut=len(text) > TEXT_MAX_CHARS,
    )


def _is_hidden_by(style: str) -> bool:
    """Whether the *style* attribute of an element hides it. What a style sheet says of its class is not looked at."""
    style = _STYLE_COMMENT.sub("", style)
    if "\\" in style:
        style = _STYLE_ESCAPE.sub(_unescaped, style)
    return bool(_HIDDEN_STYLE.search(style) or (_NO_SIZE.search(style) and _NO_OVERFLOW.search(style)))


def _unescaped(found: re.Match[str]) -> str:
    return found[2] if found[1] is None else chr(min(int(found[1], 16), 0x10FFFF))


def _in_inner_script(script: str) -> bool:
    """Whether *script*, up to an end tag, is in a script within its comment: `<!-- <script>`. That end tag ends the inner one alone."""
    inner, at = False, script.find("<!--")
    while at >= 0:
        mark = (_INNER_SCRIPT_END if inner else _INNER_SCRIPT).search(script, at + 2)
        if mark is None:
            break
        inner = not inner and mark[0] != "-->"
        at = script.find("<!--", mark.end()) if mark[0] == "-->" else mark.end() - 2
    return inner


def _holds_back(inner: str, ending: str) -> bool:
    """Whether an end tag *ending* does not reach through the open element *inner*, as browsers read it.

    Else `<b><div hidden></b>` would end what is hidden here, and in no browser.
    """
    if ending in _CLOSED:
        return False
    if inner in _CLOSED or (inner == "table" and ending != "table"):
        return True
    if inner in _TABLE:
        return ending not in _TABLE
    if ending == "p" or ending not in _BLOCKS:
        return inner in _BLOCKS or (ending in _FOREIGN and inner in _NOT_FOREIGN)
    return ending == "li" and inner in ("ul", "ol")


@dataclass(slots=True)
class _Open:
    """An element whose end has not come."""

    tag: str
    silent: bool
    main: bool
    link: bool
    foreign: bool
    hides: bool
    """Whether it is silent by itself, and not only in what is."""


class _Page(HTMLParser):
    """Reads a page into blocks of text. *strict*: without navigation, sidebars and the like."""

    def __init__(self, *, strict: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._strict = strict
        self._stack: list[_Open] = []
        self._blocks: list[tuple[str, bool]] = []
        self._main_chars = 0
        self._words: list[str] = []
        self._link_chars = 0
        self._before = ""
        self._pre = 0
        self._title: list[str] = []
        self._titles: dict[str, str] = {}
        self._dates: dict[str, str] = {}
        self._in_title = False
        self._script: list[str] = []

    def read(self, text: str) -> None:
        self.feed(text.replace("<![", "<! ["))  # the parser gives up at a declaration that has no name
        self.close()
        self._end_block()

    @property
    def title(self) -> str:
        return self._titles.get("og:title") or "".join(self._title).strip() or self._titles.get("h1", "")

    @property
    def date(self) -> str:
        for name in (*_DATE_NAMES, "json", "time"):
            if found := _DATE.search(self._dates.get(name, "")):
                return found[0]
        return ""

    def text(self) -> str:
        main_only = self._strict and self._main_chars >= _MAIN_LEAST_CHARS
        out, last_list = "", False
        for words, in_main in self._blocks:
            if main_only and not in_main:
                continue
            is_list = words.startswith("- ")
            out += ("\n" if is_list and last_list else "\n\n" if out else "") + words
            last_list = is_list
            if len(out) > TEXT_MAX_CHARS:
                break
        return out

    # ---- what the parser calls

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in reversed(attrs)}  # of two with one name the first one counts
        if tag == "meta":
            self._meta(found)
        elif tag == "title":
            self._in_title = not self._title
        elif tag == "time" and "datetime" in found:
            self._dates.setdefault("time", found["datetime"])
        elif tag == "br":
            self._words.append("\n" if self._pre else " ")
        if tag in _BLOCKS:
            self._block_begins(tag)
        if tag in _VOID:
            return
        if self._stack and tag in _ENDS_ITSELF and self._stack[-1].tag == tag:
            self._stack.pop()
        above = self._stack[-1] if self._stack else _Open("", False, False, False, False, False)
        hides = self._is_silent(tag, found, above)
        self._stack.append(
            _Open(
                tag,
                above.silent or hides,
                above.main or tag in ("main", "article") or found.get("role") == "main",
                above.link or tag == "a",
                above.foreign or tag in _FOREIGN,
                hides,
            )
        )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<p hidden/>` is not ended by its `/`; an element of a drawing or formula is."""
        self.handle_starttag(tag, attrs)
        if self._stack and self._stack[-1].foreign and tag not in _BLOCKS and tag not in _NOT_FOREIGN:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            if _in_inner_script("".join(self._script)):
                self._script.append("</script>")
                return
            self._script = []
        if tag == "title":
            self._in_title = False
        if tag in _BLOCKS and tag not in ("td", "th"):  # the next cell is on the same line
            self._end_block()
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag in ("body", "html"):
            return  # what follows is where it would have been before it
        for at in range(len(self._stack) - 1, max(-1, len(self._stack) - 60), -1):
            if self._stack[at].tag == tag:
                again = [one for one in self._stack[at + 1 :] if one.hides and one.tag in _FORMATTING]
                self._stack[at:] = [] if tag in _TABLE or tag in _CLOSED else again
                return
            if _holds_back(self._stack[at].tag, tag):
                return

    def handle_data(self, data: str) -> None:
        top = self._stack[-1] if self._stack else None
        if self._in_title:
            self._title.append(data)
            return
        if top and top.tag == "script":
            self._script.append(data)
        if top and top.tag == "script" and "json" not in self._dates and (found := _LINKED_DATE.search(data)):
            self._dates["json"] = found[1]
        if top and top.silent:
            return
        said = data if self._pre else re.sub(r"\s+", " ", data)
        self._words.append(said)
        if top and top.link:
            self._link_chars += len(said.strip())

    # ---- blocks

    def _block_begins(self, tag: str) -> None:
        if tag in ("td", "th") and self._before == "| ":
            self._words.append(" | ")
            return
        self._end_block()
        if tag == "pre":
            self._pre += 1
        elif tag == "hr":
            return
        elif tag == "tr":
            self._before = "| "
        elif tag == "li":
            self._before = "- "
        elif tag[0] == "h" and tag[1:].isdigit():
            self._before = "#" * int(tag[1]) + " "

    def _end_block(self) -> None:
        joined = "".join(self._words)
        words = joined.strip("\n") if self._pre else " ".join(joined.split()).strip("| ")
        top = self._stack[-1] if self._stack else None
        links, before = self._link_chars, self._before
        if words.strip() or before != "- ":  # `<li><p>` keeps its mark
            self._before = ""
        self._words, self._link_chars = [], 0
        if not words.strip() or (top and top.silent):
            return
        in_main = top is not None and top.main
        if before.startswith("#") and "h1" not in self._titles:
            self._titles["h1"] = words
        if (
            self._strict
            and not before.startswith("#")
            and not self._pre
            and links > _LINKS_MOST * len(words)
            and len(words) < 300
            and not in_main
        ):
            return
        if self._pre:
            words = f"```\n{words.replace('```', '` ` `')}\n```"
        self._blocks.append((before.removeprefix("| ") + words, in_main))
        if in_main:
            self._main_chars += len(words)

    def _is_silent(self, tag: str, found: dict[str, str], above: _Open) -> bool:
        if (
            tag in _SILENT
            or "hidden" in found
            or "popover" in found
            or (tag == "dialog" and "open" not in found)
            or found.get("aria-hidden") == "true"
            or _is_hidden_by(found.get("style", ""))
        ):
            return True
        if not self._strict or (above.main and tag not in _AROUND):
            return False
        if tag in _AROUND or (tag == "header" and not above.main):
            return True
        return (
            tag in ("div", "section", "ul", "p")
            and _AROUND_NAMES.search(f"{found.get('class', '')} {found.get('id', '')}") is not None
        )

    def _meta(self, found: dict[str, str]) -> None:
        name = (found.get("property") or found.get("name") or found.get("itemprop") or "").lower()
        if name == "og:title":
            self._titles.setdefault(name, found.get("content", ""))
        elif name in _DATE_NAMES:
            self._dates.setdefault(name, found.get("content", ""))


def main() -> None:
    """Read a line of JSON (`kind`, `charset`, `cpu_s`, `memory_bytes`) and the page behind it, write the document as JSON."""
    head = json.loads(sys.stdin.buffer.readline())
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (head["cpu_s"], head["cpu_s"]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (head["memory_bytes"], head["memory_bytes"]))
    except (ImportError, ValueError, OSError):
        pass  # the caller's clock still ends it
    one = read(sys.stdin.buffer.read(), head["kind"], head["charset"])
    json.dump({"text": one.text, "title": one.title, "date": one.date, "cut": one.cut}, sys.stdout)


if __name__ == "__main__":
    main()
