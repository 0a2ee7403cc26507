"""Removes a model's thoughts from its answer while it streams, with any server.

A server separates thoughts only for models that it knows. Else they are in the text, between marks (`thought_marks`, `harmony`). A mark
that is only mentioned stays in the text: in code, or in the middle of a sentence.
"""

import re
from dataclasses import dataclass, field

from openclaw_core.models.code_spans import CodeTracker
from openclaw_core.models.harmony import FOLLOWS_A_MESSAGE, HarmonyHeader, header_of, is_begun, may_become_header
from openclaw_core.models.mentions import (
    Doubt,
    begin_mark_is_mentioned,
    end_mark_is_mentioned,
    is_about,
    pair_is_mentioned,
)
from openclaw_core.models.thought_marks import (
    ANALYSIS_ALONE,
    BEGUN,
    ENDS,
    MARK_MAX_CHARS,
    PLAIN_ENDS,
    TOKEN,
    may_be_thought,
)


@dataclass(frozen=True, slots=True)
class VisibleText:
    """New visible text. *restarted*: the text before was a thought, and *text* replaces it."""

    text: str = field(default="", repr=False)
    restarted: bool = False


class ThoughtFilter:
    """Reads an answer piece by piece. The result does not depend on how it is cut into pieces."""

    def __init__(self, *, hold_back: bool = False) -> None:
        """With *hold_back*, nothing is visible before a thought has ended: for servers that drop the begin mark."""
        self.ended_without_begin = False
        """Whether a thought ended without a begin mark."""
        self._unread = ""
        self._text, self._returned_chars = "", 0  # the text without thoughts, and how much of it was returned
        self._restarted, self._hold_back = False, hold_back
        self._code = CodeTracker()
        self._hidden: str | None = None  # the kind of the begin mark while a thought is read
        self._doubt: Doubt | None = None
        self._used_marks: set[str] = set()  # marks that began a thought
        self._weak_marks = True  # until one of them turned out to be text
        self._alone = False  # the last end mark had no begin mark, and no text has followed it
        self._thought = False  # one has been removed
        self._mentioned = False  # this paragraph mentions a mark
        self._spare = ""
        self._wrap = ""
        self._channels = self._final = self._framed = False
        self._outside: int | None = None  # where in `_text` text outside any message begins

    @property
    def kept_chars(self) -> int:
        """How many characters are no thought so far."""
        return len(self._text)

    def feed(self, text: str) -> VisibleText:
        """Read on; returns the new visible text."""
        self._unread += text
        while self._step(over=False):
            pass
        return self._visible(over=False)

    def finish(self) -> VisibleText:
        """Returns the text that was held back, after the answer has ended."""
        while self._step(over=True):
            pass
        if not self._thought and ANALYSIS_ALONE.match(self._text):
            self._text = ""
        if self._header_begun:
            self._text = self._text[: self._outside]
        if self._spare and not self._text.strip():
            self._text = self._spare  # the last mark came after the whole answer
        return self._visible(over=True)

    # ---- steps: each consumes part of `_unread` and returns True, or waits for more

    def _step(self, *, over: bool) -> bool:
        if self._hidden is not None:
            return self._skip_hidden(ENDS[self._hidden], over=over)
        mark = TOKEN.search(self._unread)
        if mark is None:
            begun = None if over else BEGUN.search(self._unread, max(0, len(self._unread) - MARK_MAX_CHARS))
            self._show_upto(len(self._unread) if begun is None else begun.start())
            return False
        self._show_upto(mark.start())
        word, kind = mark.group(), mark.lastgroup or ""
        if kind == "newline":
            return self._newline()
        if kind == "ticks":
            return self._ticks(word, over=over)
        if kind == "code_tag":
            return self._code_tag(word)
        if self._code.covers_next_mark and not (kind in ENDS and self._indents_mark):
            self._code.add_mark(word)
            self._consume(word)
            self._append(word)
            return True
        match kind:
            case "header":
                return self._header(word, over=over)
            case "message_end":
                return self._message_end(word, over=over)
            case "wrap":
                return self._wrapping(word)
            case "empty" | "frame":
                return self._consume(word)
            case "frame_beside":
                return self._frame(word)
        return self._thought_mark(word, kind, over=over)

    def _thought_mark(self, word: str, kind: str, *, over: bool) -> bool:
        ends = kind == "thought_end"
        weak = word[0] == "[" and word not in ("[THINK]", "[unused16]") and not ends
        after = self._unread[len(word) :][:MARK_MAX_CHARS]
        needed = ends or not self._starts_line
        if not over and ((needed and _may_grow(after)) or (weak and not after)):
            return False  # it depends on the next piece
        if self._is_mention(after, ends=ends, weak=weak):
            self._mentioned = True
            return self._consume(word, shown=True)
        self._consume(word)
        if ends:
            self._end_alone()
        else:
            self._hidden, self._doubt = kind, Doubt(word, weak)
        return True

    def _is_mention(self, after: str, *, ends: bool, weak: bool) -> bool:
        line = self._code.line
        if line.endswith("\\") or (ends and self._code.indented):
            return True
        if weak and (after[:1] in tuple("([:") or not self._weak_marks):
            return True
        if ends:
            return end_mark_is_mentioned(line, after, mentioned=self._mentioned)
        return bool(line.strip()) and begin_mark_is_mentioned(line, after)

    def _end_alone(self) -> None:
        """A thought without a begin mark has ended; or the mark came after the answer, if nothing follows."""
        self._alone = self._alone or bool(self._text.strip())
        self._restart(spare=self._thought or not (self._hold_back or may_be_thought(self._text)))

    def _skip_hidden(self, ends: re.Pattern[str], *, over: bool) -> bool:
        """Drop hidden text up to its end mark."""
        passed = 0
        for mark in ends.finditer(self._unread):
            before, after = self._unread[: mark.start()][-1:], self._unread[mark.end() :][:MARK_MAX_CHARS]
            if mark.group() and before and before in "`\"'":  # a thought can mention a mark too
                if not after and not over:
                    break
                if after[:1] == before:
                    passed = mark.end()
                    continue
            if self._doubt is not None and not over and _may_grow(after):
                break
            return self._end_hidden(mark, after)
        else:
            passed = max(passed, len(self._unread) - MARK_MAX_CHARS)
        if over:
            return self._end_unread()
        self._drop(passed)
        return False

    def _end_hidden(self, mark: re.Match[str], after: str) -> bool:
        doubt, self._doubt = self._doubt, None
        inner = "".join((*doubt.inner, self._unread[: mark.start()])) if doubt is not None else ""
        self._unread = self._unread[mark.end() :]
        if self._hidden == "message":
            self._outside = len(self._text)
        self._hidden = None
        if doubt is not None and doubt.holds(inner) and self._pair_is_mentioned(doubt, inner, after):
            self._mentioned = True
            self._show(doubt.mark + inner + mark.group())
            return True
        self._thought = True
        self._used_marks |= {doubt.mark.lower()} if doubt is not None else set()
        self._code.close()
        return True

    def _pair_is_mentioned(self, doubt: Doubt, inner: str, after: str) -> bool:
        # A model that has used these marks may do so in the middle of a sentence too.
        line = "" if doubt.mark.lower() in self._used_marks else self._code.line
        text_before, indented = bool(self._text.strip()), self._indents_mark
        return pair_is_mentioned(doubt.mark, inner, after, line=line, text_before=text_before, indented=indented)

    def _end_unread(self) -> bool:
        """The answer has ended without an end mark: the hidden text was a thought, or text after a mentioned mark."""
        doubt, self._doubt, self._hidden = self._doubt, None, None
        if doubt is None:
            self._unread, self._thought = "", True
            return False
        text = "".join((*doubt.inner, self._unread))
        indented = self._indents_mark
        if not doubt.holds(text) or not (
            doubt.weak or is_about(text) or (indented and self._pair_is_mentioned(doubt, text, ""))
        ):
            self._unread, self._thought = "", True
            return False
        self._weak_marks, self._mentioned, self._unread = not doubt.weak and self._weak_marks, True, text
        self._show(doubt.mark)
        return True

    def _drop(self, chars: int) -> None:
        """Hide *chars* of `_unread`: for good, or as long as there is doubt."""
        if chars > 0:
            if self._doubt is not None and not self._doubt.add(self._unread[:chars]):
                self._doubt = None
            self._unread = self._unread[chars:]

    def _newline(self) -> bool:
        if not self._code.line.strip():
            self._mentioned = False
        return self._consume("\n", shown=True)

    def _ticks(self, run: str, *, over: bool) -> bool:
        after = self._unread[len(run) :][:1]
        if not after and not over:
            return False  # it may go on
        self._code.ticks(run, after)
        self._consume(run)
        self._append(run)
        return True

    def _code_tag(self, word: str) -> bool:
        self._code.tag(word)
        self._consume(word)
        self._append(word)
        return True

    @property
    def _indents_mark(self) -> bool:
        """Whether a mark that comes next begins a line of indented code."""
        return self._code.indented and self._starts_line

    @property
    def _starts_line(self) -> bool:
        return not self._code.line.strip()

    def _header(self, word: str, *, over: bool) -> bool:
        header = header_of(self._unread)
        if header is not None:
            self._open(header)
            return True
        if not may_become_header(self._unread):
            return self._consume(word, shown=True)
        if not over:
            return False
        if self._channels or not self._text.strip():
            return self._consume(self._unread)  # the answer was cut in its header
        return self._consume(word, shown=True)

    def _open(self, header: HarmonyHeader) -> None:
        self._unread = self._unread[header.chars :]
        self._channels, self._thought, self._outside = True, True, None
        if not header.shown:
            self._hidden = "message"
            if is_begun(self._text):
                self._restart(spare=False)
            return
        if not self._final:
            self._restart(spare=False)  # text before the first answer, without a header
        self._final = True

    def _message_end(self, word: str, *, over: bool) -> bool:
        if not self._channels:
            after = self._unread[len(word) :]
            if not over and any(len(after) < len(mark) and mark.startswith(after) for mark in FOLLOWS_A_MESSAGE):
                return False
            if not after.startswith(FOLLOWS_A_MESSAGE):
                return self._consume(word, shown=not self._framed)
            self._restart(spare=False)
        self._outside = len(self._text)
        return self._consume(word)

    def _frame(self, word: str) -> bool:
        """A mark around a message. It is dropped after a thought, or before any text."""
        ours = self._thought or self._framed or not self._text.strip()
        self._framed = ours
        self._channels = self._channels or (ours and word.startswith("<|begin|>"))
        return self._consume(word, shown=not ours)

    @property
    def _header_begun(self) -> bool:
        return self._outside is not None and is_begun(self._text[self._outside :])

    def _wrapping(self, word: str) -> bool:
        """`<answer>` around the text after a thought is dropped too."""
        name = word.strip("</>")
        if word.startswith("</"):
            ours = name == self._wrap
            self._wrap = "" if ours else self._wrap
        else:
            ours = self._thought and not self._text.strip()
            self._wrap = name if ours else self._wrap
        return self._consume(word, shown=not ours)

    # ---- output

    def _consume(self, word: str, *, shown: bool = False) -> bool:
        self._unread = self._unread[len(word) :]
        if shown:
            self._show(word)
        return True

    def _show_upto(self, end: int) -> None:
        text, self._unread = self._unread[:end], self._unread[end:]
        if text:
            self._show(text)

    def _show(self, text: str) -> None:
        self._code.add(text)
        self._append(text)

    def _append(self, text: str) -> None:
        if self._alone and text.strip():
            self.ended_without_begin, self._alone = True, False
        if self._thought and not self._text.strip():
            text = text.lstrip()  # blank lines between a thought and the answer
        self._text += text
        if self._thought or self._returned_chars:
            return
        for opening, ending in PLAIN_ENDS:
            at = self._text.lower().find(ending) if opening.match(self._text) else -1
            if at >= 0:
                self._text, self._thought = self._text[at + len(ending) :].lstrip(), True
                return

    def _restart(self, *, spare: bool) -> None:
        """All text so far was a thought."""
        if self._text.strip():
            self._spare = self._text if spare else ""
        self._restarted = self._restarted or self._returned_chars > 0
        self._text, self._returned_chars, self._code, self._outside = "", 0, CodeTracker(), None
        self._thought, self._mentioned = True, False

    def _visible(self, *, over: bool) -> VisibleText:
        if not (over or self._returned_chars or self._thought) and (self._hold_back or may_be_thought(self._text)):
            return VisibleText()
        if not over and (self._header_begun or (self._restarted and not self._text.strip())):
            return VisibleText()  # the visible text stays until there is something to replace it
        restarted, self._restarted = self._restarted, False
        text, self._returned_chars = self._text[self._returned_chars :], len(self._text)
        return VisibleText(text, restarted)


def _may_grow(after: str) -> bool:
    """Whether the next piece may change the meaning of a mark."""
    return len(after) < MARK_MAX_CHARS and not after.strip(" \t")


def without_thoughts(text: str) -> str:
    """*text* as a stream of it would be shown."""
    reader = ThoughtFilter()
    begun, rest = reader.feed(text), reader.finish()
    return rest.text if rest.restarted else begun.text + rest.text
