"""The pages that a run has opened, numbered in the order of their opening. A number is given once and never changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One opened page. All but the number is a stranger's: `framing` cleans it for the model, `sources` for the reader."""

    number: int
    """From 1."""
    url: str
    """Where the page was found after its redirects, as `addresses.parse_address` writes it."""
    domain: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    """The page's readable text, whole: quotations are looked up in it."""
    date: str = ""
    """`YYYY-MM-DD`, if the page says it."""
    whole: bool = True
    """Whether *text* is all of it. Of a page that another agent opened, only what the model was given is kept."""


class OpenedPages:
    """A run's pages. An agent that takes the run over makes one of the sources that the finished steps recorded."""

    def __init__(self, recorded: Iterable[Source] = ()) -> None:
        self._by_url = {source.url: source for source in recorded}
        self._led_to: dict[str, str] = {}

    @property
    def all(self) -> tuple[Source, ...]:
        """By number."""
        return tuple(sorted(self._by_url.values(), key=lambda source: source.number))

    def at(self, url: str) -> Source | None:
        """The page that *url* is or led to, if it was opened in this run and all of its text is here."""
        found = self._by_url.get(self._led_to.get(url, url))
        return found if found is not None and found.whole else None

    def open(self, url: str, *, domain: str, title: str, text: str, date: str = "", asked: str = "") -> Source:
        """Record that the page was opened, which *asked* led to; gives it its number, or the one it has.

        Calls of a step may end in any order.
        """
        self._led_to[asked or url] = url
        known = self._by_url.get(url)
        if known is not None and known.whole:
            return known
        newest = max((source.number for source in self._by_url.values()), default=0)
        number = newest + 1 if known is None else known.number
        self._by_url[url] = Source(number=number, url=url, domain=domain, title=title, text=text, date=date)
        return self._by_url[url]
