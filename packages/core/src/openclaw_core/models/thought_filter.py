"""Take a model's thoughts out of its answer while it streams, whatever server runs the model.

A server splits thoughts from answers only if it knows the model. Else they stand in the text, between marks (`thought_marks`, `harmony`).
Text that only speaks of a mark keeps it: in code, or in the middle of a sentence.
"""

import re
from dataclasses import dataclass, field

from openclaw_core.models.code_spans import Code
from openclaw_core.models.harmony import FOLLOWS_A_MESSAGE, Header, header_of, is_begun, may_become_header
from openclaw_core.models.mentions import Doubt, beginning_is_spoken_of, end_is_spoken_of, is_about, pair_is_spoken_of
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
class Seen:
    """What may be shown now. *anew*: what was given out before proved to be a thought, and *text* stands in its place."""

    text: str = field(default="", repr=False)
    anew: bool = False


class Thoughts:
    """Reads an answer piece by piece. Where the pieces are cut makes no difference to what is left of it."""

    def __init__(self, *, hold: bool = False) -> None:
        """With *hold*, nothing is given out before a thought has ended: for a server that leaves out the mark which begins it."""
        self.ended_alone = False
        """Whether a thought ended that no mark had begun."""
        self._unread = ""
        self._out, self._given = "", 0  # all that is left so far, and how much of it the caller has
        self._anew, self._hold = False, hold
        self._code = Code()
        self._hidden: str | None = None  # the kind of mark that began the thought
        self._doubt: Doubt | None = None
        self._used: set[str] = set()  # marks that began a thought
        self._weak_marks = True  # until one of them proved to be text
        self._alone = False  # a mark that none had begun stood behind all that came so far
        self._thought = False  # one has been taken out
        self._mentioned = False  # this paragraph speaks of a mark
        self._spare = ""
        self._wrap = ""
        self._channels = self._final = self._framed = False
        self._outside: int | None = None  # where in `_out` text stands outside any message

    @property
    def kept(self) -> int:
        """How many characters are no thought, as far as is known."""
        return len(self._out)

    def feed(self, text: str) -> Seen:
        """Read on; what can be shown now."""
        self._unread += text
        while self._step(over=False):
            pass
        return self._give(over=False)

    def rest(self) -> Seen:
        """What was held back, once the answer has ended."""
        while self._step(over=True):
            pass
        if not self._thought and ANALYSIS_ALONE.match(self._out):
            self._out = ""
        if self._header_begun:
            self._out = self._out[: self._outside]
        if self._spare and not self._out.strip():
            self._out = self._spare  # the last mark stood behind the whole answer
        return self._give(over=True)

    # ---- steps: each takes something off `_unread` and returns True, or waits for more

    def _step(self, *, over: bool) -> bool:
        if self._hidden is not None:
            return self._skip(ENDS[self._hidden], over=over)
        mark = TOKEN.search(self._unread)
        if mark is None:
            begun = None if over else BEGUN.search(self._unread, max(0, len(self._unread) - MARK_MAX_CHARS))
            self._say_upto(len(self._unread) if begun is None else begun.start())
            return False
        self._say_upto(mark.start())
        word, kind = mark.group(), mark.lastgroup or ""
        if kind == "newline":
            return self._newline()
        if kind == "ticks":
            return self._ticks(word, over=over)
        if kind == "code_tag":
            return self._code_tag(word)
        if self._code.covers and not (kind in ENDS and self._indents_mark):
            self._code.add_mark(word)
            self._take(word)
            self._keep(word)
            return True
        match kind:
            case "header":
                return self._header(word, over=over)
            case "message_end":
                return self._message_end(word, over=over)
            case "wrap":
                return self._wrapping(word)
            case "empty" | "frame":
                return self._take(word)
            case "frame_beside":
                return self._frame(word)
        return self._thought_mark(word, kind, over=over)

    def _thought_mark(self, word: str, kind: str, *, over: bool) -> bool:
        ends = kind == "thought_end"
        weak = word[0] == "[" and word not in ("[THINK]", "[unused16]") and not ends
        after = self._unread[len(word) :][:MARK_MAX_CHARS]
        needed = ends or not self._starts_line
        if not over and ((needed and _may_grow(after)) or (weak and not after)):
            return False  # it depends on what comes
        if self._is_spoken_of(after, ends=ends, weak=weak):
            self._mentioned = True
            return self._take(word, shown=True)
        self._take(word)
        if ends:
            self._end_alone()
        else:
            self._hidden, self._doubt = kind, Doubt(word, weak)
        return True

    def _is_spoken_of(self, after: str, *, ends: bool, weak: bool) -> bool:
        line = self._code.line
        if line.endswith("\\") or (ends and self._code.indented):
            return True
        if weak and (after[:1] in tuple("([:") or not self._weak_marks):
            return True
        if ends:
            return end_is_spoken_of(line, after, mentioned=self._mentioned)
        return bool(line.strip()) and beginning_is_spoken_of(line, after)

    def _end_alone(self) -> None:
        """A thought ends that no mark had begun; or the mark stands behind the answer, if nothing follows."""
        self._alone = self._alone or bool(self._out.strip())
        self._forget(spare=self._thought or not (self._hold or may_be_thought(self._out)))

    def _skip(self, ends: re.Pattern[str], *, over: bool) -> bool:
        """Leave out what is hidden, up to its end."""
        passed = 0
        for mark in ends.finditer(self._unread):
            before, after = self._unread[: mark.start()][-1:], self._unread[mark.end() :][:MARK_MAX_CHARS]
            if mark.group() and before and before in "`\"'":  # a thought, too, may speak of a mark
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
            self._outside = len(self._out)
        self._hidden = None
        if doubt is not None and doubt.holds(inner) and self._pair_is_spoken_of(doubt, inner, after):
            self._mentioned = True
            self._say(doubt.mark + inner + mark.group())
            return True
        self._thought = True
        self._used |= {doubt.mark.lower()} if doubt is not None else set()
        self._code.close()
        return True

    def _pair_is_spoken_of(self, doubt: Doubt, inner: str, after: str) -> bool:
        # A model that thinks between these marks does so in the middle of a sentence too.
        line = "" if doubt.mark.lower() in self._used else self._code.line
        said, indented = bool(self._out.strip()), self._indents_mark
        return pair_is_spoken_of(doubt.mark, inner, after, line=line, said=said, indented=indented)

    def _end_unread(self) -> bool:
        """The answer has ended, and what is hidden has not: it was a thought, or text whose mark is none."""
        doubt, self._doubt, self._hidden = self._doubt, None, None
        if doubt is None:
            self._unread, self._thought = "", True
            return False
        text = "".join((*doubt.inner, self._unread))
        indented = self._indents_mark
        if not doubt.holds(text) or not (
            doubt.weak or is_about(text) or (indented and self._pair_is_spoken_of(doubt, text, ""))
        ):
            self._unread, self._thought = "", True
            return False
        self._weak_marks, self._mentioned, self._unread = not doubt.weak and self._weak_marks, True, text
        self._say(doubt.mark)
        return True

    def _drop(self, chars: int) -> None:
        """Hide that much of `_unread` for good, or while there is doubt."""
        if chars > 0:
            if self._doubt is not None and not self._doubt.add(self._unread[:chars]):
                self._doubt = None
            self._unread = self._unread[chars:]

    def _newline(self) -> bool:
        if not self._code.line.strip():
            self._mentioned = False
        return self._take("\n", shown=True)

    def _ticks(self, run: str, *, over: bool) -> bool:
        after = self._unread[len(run) :][:1]
        if not after and not over:
            return False  # it may go on
        self._code.ticks(run, after)
        self._take(run)
        self._keep(run)
        return True

    def _code_tag(self, word: str) -> bool:
        self._code.tag(word)
        self._take(word)
        self._keep(word)
        return True

    @property
    def _indents_mark(self) -> bool:
        """Whether a mark that comes next is the first word of a line that is code by its indentation."""
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
            return self._take(word, shown=True)
        if not over:
            return False
        if self._channels or not self._out.strip():
            return self._take(self._unread)  # the answer was cut in its header
        return self._take(word, shown=True)

    def _open(self, header: Header) -> None:
        self._unread = self._unread[header.chars :]
        self._channels, self._thought, self._outside = True, True, None
        if not header.shown:
            self._hidden = "message"
            if is_begun(self._out):
                self._forget(spare=False)
            return
        if not self._final:
            self._forget(spare=False)  # it stood before the first answer, without a header
        self._final = True

    def _message_end(self, word: str, *, over: bool) -> bool:
        if not self._channels:
            after = self._unread[len(word) :]
            if not over and any(len(after) < len(mark) and mark.startswith(after) for mark in FOLLOWS_A_MESSAGE):
                return False
            if not after.startswith(FOLLOWS_A_MESSAGE):
                return self._take(word, shown=not self._framed)
            self._forget(spare=False)
        self._outside = len(self._out)
        return self._take(word)

    def _frame(self, word: str) -> bool:
        """A mark around a message: no text where a thought stood, or where nothing stands."""
        ours = self._thought or self._framed or not self._out.strip()
        self._framed = ours
        self._channels = self._channels or (ours and word.startswith("<|begin|>"))
        return self._take(word, shown=not ours)

    @property
    def _header_begun(self) -> bool:
        return self._outside is not None and is_begun(self._out[self._outside :])

    def _wrapping(self, word: str) -> bool:
        """`<answer>` around what follows a thought belongs to the thought's marks."""
        name = word.strip("</>")
        if word.startswith("</"):
            ours = name == self._wrap
            self._wrap = "" if ours else self._wrap
        else:
            ours = self._thought and not self._out.strip()
            self._wrap = name if ours else self._wrap
        return self._take(word, shown=not ours)

    # ---- what is left

    def _take(self, word: str, *, shown: bool = False) -> bool:
        self._unread = self._unread[len(word) :]
        if shown:
            self._say(word)
        return True

    def _say_upto(self, end: int) -> None:
        text, self._unread = self._unread[:end], self._unread[end:]
        if text:
            self._say(text)

    def _say(self, text: str) -> None:
        self._code.add(text)
        self._keep(text)

    def _keep(self, text: str) -> None:
        if self._alone and text.strip():
            self.ended_alone, self._alone = True, False
        if self._thought and not self._out.strip():
            text = text.lstrip()  # blank lines between a thought and the answer
        self._out += text
        if self._thought or self._given:
            return
        for opening, ending in PLAIN_ENDS:
            at = self._out.lower().find(ending) if opening.match(self._out) else -1
            if at >= 0:
                self._out, self._thought = self._out[at + len(ending) :].lstrip(), True
                return

    def _forget(self, *, spare: bool) -> None:
        """All that was left so far was a thought."""
        if self._out.strip():
            self._spare = self._out if spare else ""
        self._anew = self._anew or self._given > 0
        self._out, self._given, self._code, self._outside = "", 0, Code(), None
        self._thought, self._mentioned = True, False

    def _give(self, *, over: bool) -> Seen:
        if not (over or self._given or self._thought) and (self._hold or may_be_thought(self._out)):
            return Seen()
        if not over and (self._header_begun or (self._anew and not self._out.strip())):
            return Seen()  # what was shown stays until something stands in its place
        anew, self._anew = self._anew, False
        text, self._given = self._out[self._given :], len(self._out)
        return Seen(text, anew)


def _may_grow(after: str) -> bool:
    """Whether what comes next may change what a mark's surroundings say of it."""
    return len(after) < MARK_MAX_CHARS and not after.strip(" \t")


def without_thoughts(text: str) -> str:
    """What a stream of *text* would leave."""
    reader = Thoughts()
    begun, rest = reader.feed(text), reader.rest()
    return rest.text if rest.anew else begun.text + rest.text
