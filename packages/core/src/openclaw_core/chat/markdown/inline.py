"""The marks within a paragraph, a heading or a cell become spans. One pass, linear in the length of the text.

A text that still *grows* shows no mark that a later character could take away: what is open is taken for open on purpose,
and a mark that the text ends in waits for the next character.
"""

import html
import re
from bisect import bisect_right
from dataclasses import dataclass
from string import punctuation

from openclaw_core import characters
from openclaw_core.chat.markdown import emphasis, formula, links, literals, tags
from openclaw_core.chat.markdown.marks import Bracket, Marks
from openclaw_core.chat.markdown.spans import Rich

_SPECIAL = re.compile(
    r"(?P<url>(?<![A-Za-z0-9])https?://(?:[^\s<>*`\[\]|\\]++|\*++(?=[A-Za-z0-9?&=#%])|(?<=/)\*++(?=/))+)|\\|`+|\*+|_+|~+|!?\[|\]|<|&|\$+| *\n *|\||!$",
    re.IGNORECASE,
)
_TICKS = re.compile("`+")
_TARGET = re.compile(
    r"""\(\s*+(?:<(?P<angled>[^<>\n]{0,4096})>|(?P<bare>(?:\\.|[^\s()\\]|\((?:\\.|[^\s()\\]){0,400}+\)){0,4096}+))
    (?:\s++(?:"(?P<double>[^"]{0,500})"|'(?P<single>[^']{0,500})'))?+\s*+\)""",
    re.VERBOSE,
)
_HALF_TARGET = re.compile(
    r"\(\s*+(?:<[^<>\n]{0,4096}|(?:[^\s()]|\([^\s()]{0,400}+\)?+){0,4096}+(?:\s++[\"'][^\n]{0,500})?+\s*+)$"
)
_FOOTNOTE = re.compile(r"\[\^([^\]\s]{1,40})\]")
_LATEX_SIGNS = re.compile(r"[\\^_{}]")
_NEXT_IS_WORD = re.compile(r"[A-Za-z0-9]")
_MATH_SIGN = re.compile(r"[\\^_={}+]")
_ESCAPE = re.compile(rf"\\([{re.escape(punctuation)}])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the rest of the answer says about a paragraph."""

    grows: bool = False
    """More of this paragraph may come."""
    unfinished: bool = False
    """More of the answer may come."""
    footnotes: frozenset[str] = frozenset()
    tag_blocks: frozenset[str] = frozenset()


def rendered(source: str, context: Context) -> Rich:
    """The text of a paragraph without its marks, and the spans that they stand for."""
    return _Parser(source.strip(), context).parse()


class _Parser:
    """Each handler takes the range of the sign that it was called for, and returns where to read on."""

    def __init__(self, source: str, context: Context) -> None:
        self._source = source
        self._lowered = source.lower() if "<" in source else ""
        self._grows = context.grows
        self._context = context
        self._marks = Marks()
        self._ticks: dict[int, list[int]] = {}
        self._last_line = source.rfind("\n")
        self._unclosed: set[str] = set()
        self._formula_from: int | None = None
        """In a text that grows: the part behind the sign of a formula that has no end yet."""
        self._heading_from: int | None = None
        """The part in which a heading in HTML begins."""
        self._literals = literals.ranges(source)
        self._literals.reverse()
        """Those that still come, the next one last."""

    def parse(self) -> Rich:
        source = self._source
        for ticks in _TICKS.finditer(source):
            self._ticks.setdefault(len(ticks[0]), []).append(ticks.start())
        handlers = {
            "\\": self._backslash, "`": self._code, "*": self._run, "_": self._run, "~": self._run, "!": self._bracket,
            "[": self._bracket, "]": self._end_of_bracket, "<": self._angle, "&": self._reference, "$": self._dollar, "|": self._pipe,
        }  # fmt: skip
        at = 0
        while found := _SPECIAL.search(source, at):
            start, end = found.span()
            if start > at:
                self._marks.text(source[at:start])
            if found["url"]:
                at = self._text(found[0].rstrip("_~"), start + len(found[0].rstrip("_~")))
            elif found[0].strip(" ") == "\n":
                # Deep indentation is that of code without a fence; any other is the source's.
                indent = found[0].partition("\n")[2]
                at = self._text("\n" + (indent if len(indent) >= 4 else ""), end)
            else:
                at = handlers[source[start]](start, end)
        self._marks.text(source[at:])
        if self._grows:
            self._marks.close_all(tags.FORMATS)
        if self._formula_from is not None:
            parts = self._marks.parts
            parts[self._formula_from :] = [_LATEX_SIGNS.sub("", part) for part in parts[self._formula_from :]]
        return self._marks.assembled()

    def _text(self, text: str, end: int) -> int:
        self._marks.text(text)
        return end

    def _half_formula(self, end: int) -> int:
        self._marks.text("")
        if self._formula_from is None:
            self._formula_from = len(self._marks.parts)
        return end

    def _undecided(self, end: int) -> bool:
        """Whether the next character of the stream decides about the mark that ends here."""
        return self._grows and end == len(self._source)

    # ---- escapes, code, emphasis

    def _backslash(self, start: int, end: int) -> int:
        source, char = self._source, self._source[end : end + 1]
        if char in ("(", "[") and (done := self._latex(start, "\\)" if char == "(" else "\\]")) is not None:
            return done
        if not char or char == "\n":
            return self._text("" if char or self._grows else "\\", end)
        if char not in literals.ESCAPABLE:
            return self._text("\\", end)
        if not self._is_literal(start) and char != "\\":
            return self._text(char, end + 1)
        after = end + 1  # a mark behind it is none: `C:\__pycache__`, `\\server`
        while char in "*_\\" and source[after : after + 1] == char:
            after += 1
        return self._text(source[start:after], after)

    def _is_literal(self, at: int) -> bool:
        """Whether a mark at *at*, which is never before the last one asked for, belongs to a path or a regular expression."""
        while self._literals and self._literals[-1][1] <= at:
            self._literals.pop()
        return bool(self._literals) and self._literals[-1][0] <= at

    def _latex(self, start: int, close: str) -> int | None:
        source = self._source
        stop = source.find(close, start + 2, start + 2 + formula.MAX_CHARS)
        if stop < 0:
            return self._half_formula(start + 2) if self._grows else None
        content = source[start + 2 : stop]
        if not formula.is_formula(content) or not (
            _MATH_SIGN.search(content) or (close == "\\)" and len(content.strip()) < 3)
        ):
            return None  # escaped brackets
        if close == "\\]" and source[stop + 2 : stop + 3] in ("+", "?", "{"):
            return None  # a regular expression
        return self._formula(content, stop + 2, display=close == "\\]")

    def _formula(self, content: str, end: int, *, display: bool) -> int:
        marks, shown = self._marks, formula.rendered(content)
        if not display:
            marks.put(shown)
            return end
        if marks.parts:
            marks.parts[-1] = marks.parts[-1].rstrip(" ")
        if (last := "".join(marks.parts[-3:])) and not last.endswith("\n"):
            marks.text("\n")
        marks.put(shown)
        end += len(self._source[end : end + 80]) - len(self._source[end : end + 80].lstrip(" "))
        if self._source[end : end + 1] not in ("", "\n"):
            marks.text("\n")
        return end

    def _code(self, start: int, end: int) -> int:
        places = self._ticks.get(end - start, [])
        after = bisect_right(places, start)
        # Ticks at the very end of a growing text may become more of them, which would close nothing.
        if after == len(places) or self._undecided(places[after] + end - start):
            if self._grows and not self._undecided(end):
                self._marks.open_code.append(len(self._marks.parts))
            return self._text("" if self._grows else self._source[start:end], end)
        code = self._source[end : places[after]].replace("\n", " ")
        if len(code) > 2 and code[0] == code[-1] == " " and code.strip():
            code = code[1:-1]
        return self._verbatim(code, places[after] + end - start)

    def _verbatim(self, code: str, end: int) -> int:
        self._marks.text(code)
        self._marks.span(len(self._marks.parts) - 1, "code")
        return end

    def _run(self, start: int, end: int) -> int:
        source, marks = self._source, self._marks
        if self._undecided(end):  # `*` may become `**`: what is open is closed at the end all the same
            return self._text("", end)
        if end - start == 1 and self._is_literal(start):  # `\\d*`
            return self._text(source[start:end], end)
        if source[start:end] == "****" and marks.runs["*", 2]:  # `**a****b**`
            for first, closes in ((start, True), (start + 2, False)):
                run = emphasis.run_at(source, first, first + 2, part=len(marks.parts))
                marks.take(run, source, closes=closes, opens=not closes)
            return end
        run = emphasis.run_at(source, start, end, part=len(marks.parts))
        marks.take(run, source, closes=run.closes, opens=run.opens)
        return end

    # ---- links

    def _bracket(self, start: int, end: int) -> int:
        source = self._source
        before = source[start - 1] if start else ""
        if source[start:end] == "!":  # the beginning of a picture, maybe
            return self._text("" if self._grows and not before.strip() else "!", end)
        note = _FOOTNOTE.match(source, start)
        if note and (note[1] in self._context.footnotes or (self._context.unfinished and note[1].isdigit())):
            return self._text(f"[{note[1]}]", note.end())
        if self._grows and source[end : end + 1] == "^":
            end += 1
        self._marks.brackets.append(Bracket(part=len(self._marks.parts), image=source[start] == "!", before=before))
        return self._text(source[start:end], end)

    def _end_of_bracket(self, start: int, end: int) -> int:
        source, marks = self._source, self._marks
        if not marks.brackets:
            return self._text("]", end)
        bracket = marks.brackets.pop()
        target = _TARGET.match(source, end)
        if target is None and self._grows and (self._undecided(end) or self._half_target(end)):
            marks.parts[bracket.part] = ""
            return self._text("", len(source))
        if target is None or not marks.may_hold_link(bracket):
            return self._text("]", end)
        address = target["bare"] if target["angled"] is None else target["angled"]
        address = html.unescape(_ESCAPE.sub(r"\1", address))
        before = bracket.before
        called = before.isascii() and (before.isalnum() or before in (")", "]"))
        if links.url_of(address) is None and (not address or called):
            return self._text("]", end)  # a call such as `handlers[name](event)`
        marks.link(bracket.part, address, target["double"] or target["single"] or "", image=bracket.image)
        return target.end()

    def _half_target(self, at: int) -> bool:
        return len(self._source) - at < 5000 and _HALF_TARGET.match(self._source, at) is not None

    # ---- HTML

    def _angle(self, start: int, end: int) -> int:
        source = self._source
        if address := tags.AUTOLINK.match(source, start):
            return self._text(address["address"], address.end())
        if comment := tags.COMMENT.match(source, start):  # one that has no line of its own is spoken of
            return self._text(comment[0], comment.end())
        if raised := tags.RAISED.match(source, start):
            text = characters.cleaned(html.unescape(raised["text"]))
            return self._text(tags.raised(raised["kind"], text), raised.end())
        if self._grows and tags.HALF_RAISED.match(source, start):
            return self._text("", len(source))
        tag = tags.TAG.match(source, start)
        if tag is None:
            half = self._grows and tags.HALF_TAG.match(source, start)
            return self._text("", len(source)) if half else self._text("<", end)
        name, closing = tag["name"].lower(), bool(tag["end"])
        if name in tags.BREAKS and not closing:
            return self._line_end("———\n" if name == "hr" else "", tag.end())
        if name == "img" and not closing:
            found = tags.attributes(tag[0])
            self._marks.parts += ["", html.unescape(found.get("alt", ""))]
            self._marks.link(len(self._marks.parts) - 2, html.unescape(found.get("src", "")), image=True)
            return tag.end()
        if name in tags.VERBATIM and not closing:
            return self._code_tag(name, tag)
        paired = name in self._context.tag_blocks or (self._context.unfinished and name in tags.BLOCKS)
        if paired and tags.at_edge(source, tag.start(), tag.end(), closing=closing):
            return self._block_tag(name, tag.end(), closing=closing)
        if name in tags.FORMATS:
            return self._pair(name, tag, closing=closing)
        return self._text(tag[0], tag.end())

    def _block_tag(self, name: str, end: int, *, closing: bool) -> int:
        marks = self._marks
        if name in tags.CELLS:
            apart = not closing and "".join(marks.parts[-3:]).rpartition("\n")[2].strip()
            return self._text(" | " if apart else "", end)
        if name in tags.HEADINGS and closing and self._heading_from is not None:
            marks.span(self._heading_from, "bold")
            self._heading_from = None
        end = self._line_end("• " if name == "li" and not closing else "", end)
        if name in tags.HEADINGS and not closing:
            self._heading_from = len(marks.parts)
        return end

    def _code_tag(self, name: str, tag: re.Match[str]) -> int:
        close = f"</{name}>"
        stop = -1 if name in self._unclosed else self._lowered.find(close, tag.end())
        inner = self._source[tag.end() : max(stop, tag.end())]
        if inner and not (inner[0] == " " == inner[-1] and inner.strip()):  # else `the <pre> and </pre> tags`
            if name == "pre" and (nested := tags.NESTED_CODE.fullmatch(inner)):
                inner = nested["code"]
            code = characters.cleaned(html.unescape(inner))
            return self._verbatim(code, stop + len(close))
        self._unclosed.add(name)
        if self._grows and stop < 0:
            self._marks.open_code.append(len(self._marks.parts))
        return self._text("" if self._grows and stop < 0 else tag[0], tag.end())

    def _line_end(self, text: str, end: int) -> int:
        """A new line that begins with *text*; none if we are at the beginning of one, or the source ends it too."""
        begun = "".join(self._marks.parts[-3:]).rpartition("\n")[2].strip() != ""
        if text and begun:
            self._marks.text("\n")
        ends = not text and begun and self._source[end : end + 1] not in ("", "\n")
        return self._text("\n" if ends else text, end)

    def _pair(self, name: str, tag: re.Match[str], *, closing: bool) -> int:
        marks, end = self._marks, tag.end()
        opened = marks.tags.setdefault(name, [])
        if not closing:
            if self._source[end : end + 1].strip() or self._undecided(end):  # `<b> and </b>` speaks of tags
                opened.append((len(marks.parts), tag[0]))
            return self._text(tag[0], end)
        if not opened or self._source[tag.start() - 1].isspace() or not any(marks.parts[opened[-1][0] + 1 :]):
            return self._text(tag[0], end)
        part, said = opened.pop()
        for others in marks.tags.values():
            while others and others[-1][0] > part:
                others.pop()
        if name == "a":
            marks.link(part, html.unescape(tags.attributes(said).get("href", "")))
            return end
        marks.forget(part)
        quote = '"' if name == "q" else ""
        marks.parts[part] = quote
        kind = "spoiler" if name == "span" and "tg-spoiler" in said else tags.FORMATS[name]
        if kind:
            marks.span(part + 1, kind)
        return self._text(quote, end)

    def _reference(self, start: int, end: int) -> int:
        if found := tags.REFERENCE.match(self._source, start):
            return self._text(characters.cleaned(html.unescape(found[0])), found.end())
        half = self._grows and tags.HALF_REFERENCE.match(self._source, start)
        return self._text("", len(self._source)) if half else self._text("&", end)

    # ---- math and tables

    def _dollar(self, start: int, end: int) -> int:
        source, size = self._source, end - start
        if self._undecided(end):
            return self._text("", end)
        if size > 2:
            return self._text(source[start:end], end)
        if size == 1:
            if self._grows and formula.undecided(source, start):
                return len(source)
            before, after = source[start - 1 : start], source[end : end + 1]
            if (
                not after.strip()
                or after == "{"
                or (before.isascii() and before.isalnum())
                or formula.is_price(source, start)
            ):
                return self._text("$", end)
        stop = source.find("$", end)
        if stop < 0:
            return self._half_formula(end) if self._grows else self._text(source[start:end], end)
        content = source[end:stop]
        closes = source.startswith("$" * size, stop) and formula.is_formula(content, spaced_word=size == 1)
        if closes and (size == 2 or not (content[-1].isspace() or _NEXT_IS_WORD.match(source, stop + 1))):
            return self._formula(content, stop + size, display=size == 2)
        if self._grows and size == 2 and stop == len(source) - 1:
            return self._half_formula(end)
        return self._text(source[start:end], end)

    def _pipe(self, start: int, end: int) -> int:
        # The last line may turn out to be the head of a table.
        return self._text(" " if self._grows and start > self._last_line else "|", end)
