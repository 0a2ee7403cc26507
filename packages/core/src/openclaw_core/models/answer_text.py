"""The visible text of a stream: without thoughts and citation marks, and within a limit."""

from openclaw_core.models.chunks import CitationFilter
from openclaw_core.models.thought_filter import ThoughtFilter, VisibleText

ANSWER_MAX_CHARS = 200_000
"""Fifty Telegram messages, far more than any role allows: only a hostile server sends more."""


class AnswerText:
    """Reads the text of a stream piece by piece."""

    def __init__(self, *, hold_back: bool, cited: bool) -> None:
        """*hold_back*: as for `ThoughtFilter`. *cited*: whether a tool leaves citation marks in the text."""
        self._thoughts = ThoughtFilter(hold_back=hold_back)
        self._citations = CitationFilter() if cited else None
        self.text = ""
        """The visible text so far."""

    def feed(self, text: str) -> VisibleText:
        """Read on; returns the new visible text."""
        seen = self._thoughts.feed(text)
        grown = seen.text if self._citations is None else self._citations.feed(seen.text, restarted=seen.restarted)
        return self._grown(grown, restarted=seen.restarted)

    def finish(self) -> VisibleText:
        """Returns the text that was held back, after the stream has ended."""
        seen = self._thoughts.finish()
        grown = (
            seen.text
            if self._citations is None
            else self._citations.feed(seen.text, restarted=seen.restarted) + self._citations.finish()
        )
        return self._grown(grown, restarted=seen.restarted)

    @property
    def full(self) -> bool:
        """Whether the limit is reached."""
        return self._thoughts.kept_chars > ANSWER_MAX_CHARS

    @property
    def thought_ended_without_begin(self) -> bool:
        """Whether a thought ended that no mark had begun."""
        return self._thoughts.ended_without_begin

    def _grown(self, grown: str, *, restarted: bool) -> VisibleText:
        before = "" if restarted else self.text
        grown = grown[: ANSWER_MAX_CHARS - len(before)]
        self.text = before + grown
        return VisibleText(grown, restarted)
