"""The numbers and links of a model's text: each number links to an opened page, and nothing else is a link.

Two passes. The first takes out numbers without a page, and makes a number of each link to an opened page and words of
each other link. What is taken out can leave a new mark behind (`[[9]1]`), so the second pass takes nothing out: it
writes the links, and what it does not want as such a mark or link it writes in another way.
"""

import html
import re
from collections.abc import Callable, Mapping

from openclaw_agent.tools.citing.edits import TextEdit, applied, without_code
from openclaw_agent.tools.fetching.addresses import parse_address
from openclaw_agent.tools.fetching.faults import NotFetched
from openclaw_agent.tools.opened import Source

Pages = Mapping[int, Source]

OPEN, CLOSE = r"\[［【〔⁅", r"\]］】〕⁆"
_NOISE = r"[\s*_~^#\\\u00ad\u200b-\u200f\u2060\ufeff]{0,20}"
_AND = rf"(?:{_NOISE}(?:[,;،+&–—-]|and|ו){_NOISE})"
MARK = re.compile(
    rf"\\?[{OPEN}]{_NOISE}(?:(?:source|src|page|ref|מקור|עמוד)s?{_NOISE})?"
    rf"(?P<numbers>\d{{1,3}}(?:{_AND}\d{{1,3}}){{0,20}})(?:[†:]{_NOISE}[^{OPEN}{CLOSE}\n]{{0,80}})?{_NOISE}\\?[{CLOSE}]",
    re.IGNORECASE,
)
"""`[1]`, `[1, 2]`, `[1-3]`, `[^1]`, `[source 1]`, `【1†L2-L4】`. Four digits are a year."""
_LINK = re.compile(
    r"!?\[(?P<label>(?:[^\[\]\n]|\[[^\[\]\n]{0,200}\]){0,400})\]\([ \t]*(?:<(?P<angled>[^<>\n]{0,4096})>|(?P<bare>(?:[^\s()<>]|\([^\s()]{0,400}\)){0,4096}))"
    r"(?:[ \t]+[\"'(][^\n]{0,300}?[\"')])?[ \t]*\)"
)
_HALF_LINK = re.compile(r"\]\((?=[ \t]*<?[ \t]*(?P<target>[^\s<>]{1,60}))")
_ADDRESS = re.compile(
    r"<?(?P<url>(?:https?|ftp|tg|ton|tonsite)://[^\s<>\"`\x00|]+|(?<![\w.@/-])www\.[^\s<>\"`\x00|]+)>?", re.IGNORECASE
)
_LINK_TAG = re.compile(r"</?(?:a|img|iframe|area|base|link)(?:\s[^<>]{0,4096})?>", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,10});")
_PLAIN = re.compile(r"[A-Za-z0-9:/.\[\]［］【】\u0660-\u0669]")
_TARGET = re.compile(r"(?:https?:|//|www\.|tg:|ton)", re.IGNORECASE)
_TRAILING = re.compile(r"[.,;:!?)\]}'*_~”’״»]+$")
_DEFINITION = re.compile(rf"^[ \t]{{0,3}}(?:[-*][ \t]+)?{MARK.pattern}:[^\n]*\n?", re.IGNORECASE | re.MULTILINE)


def first_pass(text: str, pages: Pages) -> str:
    """*text* with the numbers of *pages* as `[n]` and no others, and without links."""
    text = _without_references(text)
    text = _edited(text, _DEFINITION, lambda _: "")
    by_url = {page.url: number for number, page in pages.items()}
    text = _edited(text, _LINK_TAG, lambda _: "")
    text = _edited(text, _LINK, lambda found: _unlinked(found, by_url))
    text = _edited(text, _ADDRESS, lambda found: _numbered_address(found, by_url))
    return _edited(text, MARK, lambda found: "".join(f"[{number}]" for number in _known(found, pages)), glue=True)


def second_pass(text: str, pages: Pages) -> str:
    """*text* after the first pass, with its numbers as links. Addresses that are left are in code, where no chat makes links of them."""
    ticks = _unused_ticks(text)
    text = _edited(text, _LINK_TAG, lambda found: found[0].replace("<", "‹").replace(">", "›"))
    text = _edited(text, _HALF_LINK, lambda found: "] (" if _is_target(found["target"]) else found[0])
    mask = without_code(text)
    edits = [TextEdit(*found.span(), _linked(found, pages, mask)) for found in MARK.finditer(mask)]
    # A number's own link is written by the edit above, so the addresses that are found here are the model's.
    edits += [TextEdit(*found.span(), _as_code(found, ticks)) for found in _ADDRESS.finditer(mask)]
    return applied(text, edits)


def cited(text: str, pages: Pages) -> list[int]:
    """The numbers that *text*, as the first pass leaves it, has: each once, in order."""
    return list(dict.fromkeys(number for found in MARK.finditer(without_code(text)) for number in _known(found, pages)))


def target(url: str) -> str:
    """*url* as the target of a link in Markdown, where `&copy=` would be a sign.

    Its other characters are plain already (`addresses.parse_address`).
    """
    return url.replace("&", "&amp;").replace("*", "%2A")


def numbers_of(found: re.Match[str]) -> list[int]:
    """The numbers of a mark; a range has all between its ends."""
    pieces = re.split(r"(\d+)", found["numbers"])
    numbers = [int(piece) for piece in pieces[1::2]]
    for at, between in enumerate(pieces[2:-1:2], start=1):
        first, last = int(pieces[2 * at - 1]), int(pieces[2 * at + 1])
        if set(between.strip()) & set("-–—") and first < last <= first + 20:
            numbers += range(first + 1, last)
    return sorted(set(numbers)) if len(numbers) != len(pieces[1::2]) else list(dict.fromkeys(numbers))


def _known(found: re.Match[str], pages: Pages) -> list[int]:
    return [number for number in numbers_of(found) if number in pages]


def _edited(text: str, pattern: re.Pattern[str], new: "Callable[[re.Match[str]], str]", *, glue: bool = False) -> str:
    """*text* with what *pattern* finds outside of code written anew. *glue*: where nothing is written, the space before it goes too."""
    mask = without_code(text)
    edits = []
    for found in pattern.finditer(mask):
        real = pattern.match(text, found.start()) or found  # a label may hold code
        said = new(real if real.end() == found.end() else found).replace("\x00", "")
        start = found.start()
        if glue and not said and mask[start - 1 : start] == " " and mask[start - 2 : start - 1].strip():
            start -= 1
        edits.append(TextEdit(start, found.end(), said))
    return applied(text, edits)


def _without_references(text: str) -> str:
    """*text* with plain characters for their references: `&#91;1&#93;` would be read as a number."""

    def char(found: re.Match[str]) -> str:
        said = html.unescape(found[0])
        return said if _PLAIN.fullmatch(said) else found[0]

    return _edited(text, _REFERENCE, char) if "&" in text else text


def _unlinked(found: re.Match[str], by_url: Mapping[str, int]) -> str:
    written = found["bare"] if found["angled"] is None else found["angled"]
    number = _number(written, by_url)
    if number is None and not _is_target(written):
        return found[0]  # a call such as `handlers[name](event)`
    label = found["label"].strip()
    if MARK.fullmatch(f"[{label}]") or MARK.fullmatch(label):
        return f"[{number}]" if number else label if label.startswith("[") else f"[{label}]"
    return label if number is None else f"{label} [{number}]"


def _numbered_address(found: re.Match[str], by_url: Mapping[str, int]) -> str:
    trailing = _TRAILING.search(found["url"])
    for url in (found["url"], found["url"][: trailing.start()] if trailing else found["url"]):
        if number := _number(url, by_url):
            return f"[{number}]{found['url'][len(url) :]}"
    return found[0]


def _number(written: str, by_url: Mapping[str, int]) -> int | None:
    """The number of the page at an address; both as it is written and without references, since `&copy=1` may be meant."""
    for url in dict.fromkeys((written, html.unescape(written.replace("\\", "")))):
        try:
            number = by_url.get(parse_address(f"https://{url}" if url.lower().startswith("www.") else url).text)
        except NotFetched:
            continue
        if number is not None:
            return number
    return None


def _is_target(written: str) -> bool:
    return _TARGET.match(html.unescape(written.replace("\\", ""))) is not None


def _linked(found: re.Match[str], pages: Pages, mask: str) -> str:
    known = _known(found, pages)
    if not known or len(known) < len(numbers_of(found)):
        return re.sub(r"[\\\[\]［］【】〔〕⁅⁆]", "", f"({found['numbers']})")
    links = "".join(f"[[{number}]]({target(pages[number].url)})" for number in known)
    # Behind `!` it would be a picture, behind `[` a part of another link.
    return f" {links}" if mask[found.start() - 1 : found.start()] in ("!", "[", "\\") else links


def _as_code(found: re.Match[str], ticks: str) -> str:
    """The address in code, and its punctuation behind it."""
    url = found["url"]
    trailing = _TRAILING.search(url)
    kept = url[: trailing.start()] if trailing else url
    return f"{ticks}{kept}{ticks}{url[len(kept) :]}"


def _unused_ticks(text: str) -> str:
    """A run of backticks of a length that *text* does not have, so that it cannot end or begin other code."""
    used = {len(run) for run in re.findall("`+", text)}
    return next("`" * size for size in range(1, len(used) + 2) if size not in used)
