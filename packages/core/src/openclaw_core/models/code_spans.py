"""Tracks whether the end of a growing text is code: a fence, a span of backticks, `<pre>`, `<code>`, or indented lines."""

import re

LINE_KEPT_CHARS = 200
LIST_MARK = re.compile(r"\s*(?:[-*+>#•]+|\d+[.)])\s*")
INDENT = re.compile(r" {4}|\t")


class CodeTracker:
    """Reads a text word by word. The caller passes backticks, HTML tags and other text to different methods."""

    def __init__(self) -> None:
        self.line = ""
        """The last line, or its last characters."""
        self._begins = ""  # that line's first characters
        self._may_indent = True  # the line before was blank, or code itself
        self._opened: tuple[str, bool] | None = None  # what opened code, and whether it is a block
        self._speaks = False  # the span that is open holds a mark already

    @property
    def covers_next_mark(self) -> bool:
        """Whether a mark that comes next is part of code."""
        if self._opened is None:
            return self.indented
        return self._opened[1] or self._speaks or bool(self.line.strip())

    @property
    def indented(self) -> bool:
        """Whether the last line is code by its indentation alone."""
        return self._may_indent and INDENT.match(self._begins) is not None

    def add_mark(self, text: str) -> None:
        """A mark inside code: so the backtick before it has really opened code."""
        self._speaks = self._opened is not None
        self._on_line(text)

    def add(self, text: str) -> None:
        """Text in which nothing opens or ends code."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._on_line(line)
            self._end_line()
        self._on_line(rest)

    def ticks(self, run: str, following: str) -> None:
        """Backticks or tildes before the character *following*: they open code, end it, or are part of it."""
        if self._opened is None:
            if len(run) >= 3 and self._at_start:
                self._opened = (run, True)
            elif run[0] == "`":
                self._opened = (run, False)
        else:
            opened, block = self._opened
            if block and self._at_start:
                ended = run.startswith(opened) and following in " \t\r\n"
            else:  # it is a span and no fence if it ends on its own line
                ended = run == opened and (not block or self.line.lstrip().startswith(opened))
            if ended:
                self.close()
        self._on_line(run)

    def tag(self, word: str) -> None:
        """`<pre>`, `<code>`, or the end of one."""
        end = f"</{re.split(r'[^a-z]', word.lower().lstrip('</'))[0]}>"
        if word.startswith("</"):
            if self._opened is not None and self._opened[0] == end:
                self.close()
        elif self._opened is None:
            self._opened = (end, self._at_start)
        self._on_line(word)

    def close(self) -> None:
        """End the code, if there is any."""
        self._opened, self._speaks = None, False

    @property
    def _at_start(self) -> bool:
        return not LIST_MARK.sub("", self.line, count=1).strip()

    def _on_line(self, text: str) -> None:
        if len(self._begins) < 4:
            self._begins = (self._begins + text)[:4]
        self.line = (self.line + text)[-LINE_KEPT_CHARS:]

    def _end_line(self) -> None:
        blank = not self.line.strip()
        if (
            blank
            and self._opened is not None
            and not self._opened[1]
            and not (self._speaks and self._opened[0][0] == "<")
        ):
            self.close()  # the paragraph has ended: the backtick opened no code
        self._may_indent = blank or self.indented
        self.line = self._begins = ""
