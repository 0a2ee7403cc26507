"""How a message is read before it is judged: cleaned, split into what is asked and what was pasted, its shape noted."""

import re
import unicodedata
from dataclasses import dataclass, field

READ_CHARS = 2400
"""Of a longer message only the start and the end are read: what is asked stands there, what is pasted between."""
ASK_CHARS = 160
"""The longest lead ('shorten this, keep the tone:') that counts as the request before a pasted text."""

_QUOTES = str.maketrans({"׳": "'", "’": "'", "‘": "'", "`": "`", "״": '"', "“": '"', "”": '"', "„": '"'})
_WORD = re.compile(r"[^\W_]+(?:['\"&+#.-][^\W_]+)*[+#]*")
_HEBREW = re.compile(r"[א-ת]")
_LEAD = re.compile(rf"^(.{{2,{ASK_CHARS}}}?)(?::|\?|\.|!|\u2014| - )\s+(.+)$", re.DOTALL)
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
class Reading:
    """A message as the rules and the classifier see it; all text is lower case, in NFKC, without marks and controls."""

    whole: str = field(repr=False)
    ask: str = field(repr=False)
    """What is asked: the lead or the last line around a pasted text, else the whole message."""
    material_words: int
    """Words of the text that was pasted along, 0 if none was."""
    code_signs: int
    """Kinds of source code or error output seen anywhere."""
    hebrew: bool
    url: bool
    ask_words: tuple[str, ...] = field(repr=False)


def read(text: str) -> Reading:
    """Read a message. Takes any string, also one of controls and marks alone."""
    whole = clean(text)
    ask, material = split(whole)
    words = tuple(_WORD.findall(ask))
    return Reading(
        whole=whole,
        ask=ask,
        material_words=len(_WORD.findall(material)),
        code_signs=sum(1 for pattern in _CODE if pattern.search(_URL.sub(" ", whole))),
        hebrew=len(_HEBREW.findall(ask)) * 3 >= sum(1 for char in ask if char.isalpha()) and bool(_HEBREW.search(ask)),
        url=bool(_URL.search(whole)),
        ask_words=words,
    )


def clean(text: str) -> str:
    """Cut to `READ_CHARS`, lower case, NFKC; without direction marks, vowel points and controls (but line breaks)."""
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
    """What is asked and what was pasted along; the second is empty when the message is nothing but a request."""
    if not whole:
        return "", ""
    paragraphs = [part for part in whole.split("\n") if part]
    if len(paragraphs) > 1:
        first, last = paragraphs[0], paragraphs[-1]
        if len(first) <= ASK_CHARS and len(first) <= len(whole) - len(first) + 40:
            return first, "\n".join(paragraphs[1:])
        if len(last) <= ASK_CHARS:
            return last, "\n".join(paragraphs[:-1])
        return first[:ASK_CHARS], whole
    quoted = _QUOTED.search(whole)
    if quoted:
        rest = (whole[: quoted.start()] + " " + whole[quoted.end() :]).strip()
        if rest:
            return rest, quoted.group()
    lead = _LEAD.match(whole)
    if lead:
        head, tail = lead.group(1), lead.group(2)
        # A second sentence of talk is not a paste: it has to outweigh the lead.
        if len(tail) > 40 and len(tail) > len(head):
            return head + whole[len(head)], tail
    return whole, ""
