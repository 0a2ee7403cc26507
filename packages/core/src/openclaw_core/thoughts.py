"""Take a model's thoughts out of its answer while it streams, whatever server runs the model.

A server splits thoughts from answers only if it knows the model. Else they stand in the text, between marks (`thought_marks`, `harmony`).
Text that only speaks of a mark keeps it: in code, or in the middle of a sentence.
"""

import re
from dataclasses import dataclass, field

from openclaw_core.harmony import Header, header_of, is_begun, may_become_header
from openclaw_core.thought_marks import (
    ANALYSIS_ALONE,
    BEGUN,
    ENDS,
    LIST_MARK,
    MARK_MAX_CHARS,
    PLAIN_ENDS,
    TOKEN,
    ends_sentence,
    goes_on,
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
        self._line = ""  # of `_out`, the last one
        self._code: tuple[str, bool] | None = None  # the run that opened it, and whether it is a fence
        self._hidden: str | None = None  # the kind of mark that began the thought
        self._thought = False  # one has been taken out
        self._mentioned = False  # this paragraph speaks of a mark
        self._spare = ""
        self._wrap = ""
        self._channels = self._final = False
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
        if self._code is not None and (self._code[1] or self._line.strip()):
            return self._take(word, shown=True)
        match kind:
            case "header":
                return self._header(word, over=over)
            case "message_end":
                return self._message_end(word, over=over)
            case "wrap":
                return self._wrapping(word)
            case "empty" | "frame":
                return self._take(word)
        return self._thought_mark(word, kind, over=over)

    def _thought_mark(self, word: str, kind: str, *, over: bool) -> bool:
        ends = kind == "thought_end"
        spoken_of = False
        if kind in ("tag", "bracket") or (ends and word[:2] in ("</", "[/")):  # nobody writes the others in a sentence
            spoken_of = self._line.endswith("\\")
            if not spoken_of and (ends or self._line.strip()):
                after = self._unread[len(word) :]
                if not after.strip(" \t") and not over:
                    return False  # it depends on what comes
                judge = self._end_is_spoken_of if ends else self._beginning_is_spoken_of
                spoken_of = judge(after)
        if spoken_of:
            self._mentioned = True
            return self._take(word, shown=True)
        self._take(word)
        if ends:
            self.ended_alone = self.ended_alone or bool(self._out.strip())
            self._forget(spare=self._thought)
        else:
            self._code, self._hidden = None, kind
        return True

    def _skip(self, ends: re.Pattern[str], *, over: bool) -> bool:
        """Leave out what is hidden, up to its end."""
        passed = 0
        for mark in ends.finditer(self._unread):
            before, after = self._unread[: mark.start()][-1:], self._unread[mark.end() :][:1]
            if mark.group() and before and before in "`\"'":  # a thought, too, may speak of a mark
                if not after and not over:
                    break
                if after == before:
                    passed = mark.end()
                    continue
            self._outside = len(self._out) if self._hidden == "message" else self._outside
            self._unread, self._hidden, self._thought = self._unread[mark.end() :], None, True
            return True
        self._unread = "" if over else self._unread[max(passed, len(self._unread) - MARK_MAX_CHARS) :]
        return False

    def _newline(self) -> bool:
        if not self._line.strip():  # the paragraph is over, and with it a code span that was none
            self._mentioned = False
            if self._code is not None and not self._code[1]:
                self._code = None
        self._take("\n", shown=True)
        self._line = ""
        return True

    def _ticks(self, run: str, *, over: bool) -> bool:
        """A run of backticks or tildes: it opens code, ends it, or stands in it."""
        after = self._unread[len(run) :][:1]
        if not after and not over:
            return False  # it may go on
        at_start = not LIST_MARK.sub("", self._line, count=1).strip()
        if self._code is None:
            if len(run) >= 3 and at_start:
                self._code = (run, True)
            elif run[0] == "`":
                self._code = (run, False)
        else:
            opened, fence = self._code
            if fence and at_start:
                ended = run.startswith(opened) and after in " \t\r\n"
            else:  # what looked like a fence is a span if it ends on its own line
                ended = run == opened and (not fence or self._line.lstrip().startswith(opened))
            if ended:
                self._code = None
        return self._take(run, shown=True)

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
            if not over and len(after) < len("<|start|>") and "<|start|>".startswith(after):
                return False
            if not after.startswith("<|start|>"):
                return self._take(word, shown=True)
            self._forget(spare=False)
        self._outside = len(self._out)
        return self._take(word)

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

    # ---- does a sentence speak of the mark?

    def _beginning_is_spoken_of(self, after: str) -> bool:
        if ends_sentence(self._line):
            return bool(after) and after[0] in ",;:)\"'”"
        return not after.strip(" \t") or goes_on(after)

    def _end_is_spoken_of(self, after: str) -> bool:
        line = self._line
        if not line.strip():
            return False
        if self._mentioned:
            return True
        if line[-1] in "\"'“‘(":
            return goes_on(after)
        return line[-1].isspace() and goes_on(after) and after[0] not in "\"'"

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
        self._line = (self._line + text)[-MARK_MAX_CHARS:]
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
        self._out, self._given, self._line, self._code, self._outside = "", 0, "", None, None
        self._thought, self._mentioned = True, False

    def _give(self, *, over: bool) -> Seen:
        if not (over or self._given or self._thought) and (self._hold or may_be_thought(self._out)):
            return Seen()
        if self._header_begun and not over:
            return Seen()
        anew, self._anew = self._anew, False
        text, self._given = self._out[self._given :], len(self._out)
        return Seen(text, anew)


def without_thoughts(text: str) -> str:
    """What a stream of *text* would leave."""
    reader = Thoughts()
    begun, rest = reader.feed(text), reader.rest()
    return rest.text if rest.anew else begun.text + rest.text
