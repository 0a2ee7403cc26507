"""What a stream's text comes to while it grows: without thoughts, without citation marks, and no longer than a limit."""

from openclaw_core.models.chunks import Citations
from openclaw_core.models.thought_filter import Seen, Thoughts

ANSWER_MAX_CHARS = 200_000
"""Fifty messages of Telegram's. Far more than any role's `max_tokens` allows: only a server that means harm sends it."""


class AnswerText:
    """Reads the text of a stream piece by piece."""

    def __init__(self, *, hold: bool, cited: bool) -> None:
        """*hold*: as for `Thoughts`. *cited*: whether a tool leaves its citation marks in the text."""
        self._thoughts = Thoughts(hold=hold)
        self._tidy = Citations() if cited else None
        self.text = ""
        """All that has been given out."""

    def feed(self, text: str) -> Seen:
        """Read on; what can be shown now."""
        seen = self._thoughts.feed(text)
        return self._grown(
            seen.text if self._tidy is None else self._tidy.feed(seen.text, anew=seen.anew), anew=seen.anew
        )

    def rest(self) -> Seen:
        """What was held back, once the stream has ended."""
        seen = self._thoughts.rest()
        grown = seen.text if self._tidy is None else self._tidy.feed(seen.text, anew=seen.anew) + self._tidy.rest()
        return self._grown(grown, anew=seen.anew)

    @property
    def full(self) -> bool:
        """Whether no more of it will be given out, whatever comes."""
        return self._thoughts.kept > ANSWER_MAX_CHARS

    @property
    def thought_ended_alone(self) -> bool:
        """Whether a thought ended that no mark had begun."""
        return self._thoughts.ended_alone

    def _grown(self, grown: str, *, anew: bool) -> Seen:
        before = "" if anew else self.text
        grown = grown[: ANSWER_MAX_CHARS - len(before)]
        self.text = before + grown
        return Seen(grown, anew)
