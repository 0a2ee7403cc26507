"""Parses the text of a message for routing: cleaned, split into the request and what was pasted, with its shape."""

import re
import unicodedata
from dataclasses import dataclass, field

READ_CHARS = 2400
"""Of a longer message only the start and the end are read. The request is there, pasted text between."""
REQUEST_CHARS = 160
"""The longest lead ('shorten this, keep the tone:') that counts as the request before a pasted text, in characters."""

_QUOTES = str.maketrans({"׳": "'", "’": "'", "‘": "'", "`": "`", "״": '"', "“": '"', "”": '"', "„": '"'})
_WORD = re.compile(r"[^\W_]+(?:['\"&+#.-][^\W_]+)*[+#]*")
_HEBREW = re.compile(r"[א-ת]")
_LEAD = re.compile(rf"^(.{{2,{REQUEST_CHARS}}}?)(?::|\?|\.|!|\u2014| - )\s+(.+)$", re.DOTALL)
_QUOTED = re.compile(r'"[^"]{50,}"')
_CODE = (
    re.compile(
        r"traceback \(most|^\s*file \"|\w+(?:error|exception)\b\s*:|\b(?:npm err|fatal:|error:|segmentation fault)",
        re.MULTILINE,
    ),
    re.compile(r"[;{}]\s*$|=>|[=!]==?[^=]|\+=|&&|\|\||::|->|</?[a-z][\w-]*[^<>]*>", re.MULTILINE),
    re.compile(
        r"\b(?:def|function|func|fn)\s+\w+\s*\(|\bclass\s+\w+\s*[:({]|\b(?:public|private|static)\s+\w+\s+\w+|"
        r"\b(?:const|let|var)\s+\w+\s*=|^(?:import|from)\s+[\w.]+(?:$|\s+import)|\breturn\s+\S+;|\bprint\s?\(",
        re.MULTILINE,
    ),
    re.compile(r"\bfor\b.{0,40}\bin\b.{0,20}[:)(]|\b(?:while|if|for)\s*\("),
    re.compile(r"\bselect\b.{1,120}\bfrom\b|\binsert into\b|\bupdate \w+ set\b|\bgroup by\b|\bcreate table\b", re.DOTALL),
    re.compile(r"\w+\([^()\n]*\)(?!\s*[א-ת])|\w\.\w+\(|\w\[[\w'\":]+\]"),
    re.compile(r"`[^`\n]+`|```"),
    re.compile(r"\{\s*\"\w+\"\s*:"),
    re.compile(r"(?:^|\s)(?:~|\.)?/[\w.-]+/[\w./-]+|\b[\w-]+\.(?:py|js|ts|tsx|java|go|rs|sh|ya?ml|json|css|cpp|php|sql|ipynb)\b"),
)  # fmt: skip
_URL = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedText:
    """A message as the rules and the classifier see it. All text is lower case, in NFKC, without marks and controls."""

    whole: str = field(repr=False)
    request: str = field(repr=False)
    """The lead or the last line around a pasted text, else the whole message."""
    request_words: tuple[str, ...] = field(repr=False)
    pasted_words: int
    """Number of words in the pasted text, 0 without one."""
    code_patterns: int
    """How many patterns of source code or error output match."""
    is_hebrew: bool
    has_url: bool


def parse(text: str) -> ParsedText:
    """Parse a message. Takes any string, even one of controls and marks alone."""
    whole = clean(text)
    request, pasted = split(whole)
    return ParsedText(
        whole=whole,
        request=request,
        request_words=tuple(_WORD.findall(request)),
        pasted_words=len(_WORD.findall(pasted)),
        code_patterns=sum(1 for pattern in _CODE if pattern.search(_URL.sub(" ", whole))),
        is_hebrew=len(_HEBREW.findall(request)) * 3 >= sum(1 for char in request if char.isalpha())
        and bool(_HEBREW.search(request)),
        has_url=bool(_URL.search(whole)),
    )


def clean(text: str) -> str:
    """Cut *text* to `READ_CHARS`, in lower case and NFKC, without direction marks, vowel points and controls except line breaks."""
    if len(text) > READ_CHARS:
        text = text[: READ_CHARS * 3 // 4] + "\n\n" + text[-READ_CHARS // 4 :]
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    kept = (
        char if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"} else ""
        for char in text
        if not "\u0591" <= char <= "\u05c7" or char == "\u05be"
    )
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in "".join(kept).replace("\u05be", "-").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip().lower()


def split(whole: str) -> tuple[str, str]:
    """Return the request and the pasted text. The second is empty if nothing was pasted."""
    if not whole:
        return "", ""
    paragraphs = [part for part in whole.split("\n") if part]
    if len(paragraphs) > 1:
        first, last = paragraphs[0], paragraphs[-1]
        if len(first) <= REQUEST_CHARS and len(first) <= len(whole) - len(first) + 40:
            return first, "\n".join(paragraphs[1:])
        if len(last) <= REQUEST_CHARS:
            return last, "\n".join(paragraphs[:-1])
        return first[:REQUEST_CHARS], whole
    quoted = _QUOTED.search(whole)
    if quoted:
        rest = (whole[: quoted.start()] + " " + whole[quoted.end() :]).strip()
        if rest:
            return rest, quoted.group()
    lead = _LEAD.match(whole)
    if lead:
        head, tail = lead.group(1), lead.group(2)
        # A second sentence is not pasted text: that has to be longer than the lead.
        if len(tail) > 40 and len(tail) > len(head):
            return head + whole[len(head)], tail
    return whole, ""
