"""The text that `inline` builds: its parts, and which marks among them are open, paired or plain text."""

from dataclasses import dataclass, field
from itertools import accumulate

from openclaw_core.chat.markdown import emphasis, links
from openclaw_core.chat.markdown.spans import RichText, TextSpan


@dataclass(slots=True)
class Bracket:
    """A `[` that waits for its `]`. *after* is where the label begins in the source, *before* what is before it."""

    part: int
    image: bool
    before: str


@dataclass(slots=True)
class Marks:
    """A text in parts. Each mark is its own part, which is removed when its pair is found."""

    parts: list[str] = field(default_factory=list)
    spans: list[tuple[int, int, str, str | None]] = field(default_factory=list)
    """First part, the part behind the last one, kind, target."""
    runs: dict[tuple[str, int], list[emphasis.MarkRun]] = field(
        default_factory=lambda: {kind: [] for kind in emphasis.KINDS}
    )
    """Open emphasis by mark and width."""
    brackets: list[Bracket] = field(default_factory=list)
    tags: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Open HTML tags by name: their part and what it said."""
    open_code: list[int] = field(default_factory=list)
    """Where code began whose end has not come yet."""
    _links_behind: int = 0
    _images_behind: int = 0
    """A bracket before these parts holds a link, or a picture, and so cannot be one."""

    def text(self, text: str) -> None:
        self.parts.append(text)

    def span(self, first: int, kind: str, url: str | None = None) -> None:
        """Add a span from part *first* to the end."""
        self.spans.append((first, len(self.parts), kind, url))

    def put(self, rich: RichText) -> None:
        """Append a text whose spans lie apart."""
        at = 0
        for span in sorted(rich.spans):
            self.parts += [rich.text[at : span.start], rich.text[span.start : span.end]]
            self.span(len(self.parts) - 1, span.kind, span.url)
            at = span.end
        self.parts.append(rich.text[at:])

    # ---- emphasis

    def take(self, run: emphasis.MarkRun, source: str, *, closes: bool, opens: bool) -> None:
        """Append the marks of *run*; close what they close, leave open what they open."""
        self.parts.append(run.mark * run.size)
        while closes and run.left:
            tops = [
                (self.runs[run.mark, width][-1].part, width)
                for width in (1, 2)
                if run.left in (width, 3) and self.runs.get((run.mark, width))
            ]
            if not tops:
                break
            _, width = max(tops)
            opener = self.runs[run.mark, width].pop()
            if not emphasis.is_pair(opener, run, width, source[opener.at + opener.size : run.at]):
                continue
            self.spans.append((opener.part + 1, run.part, emphasis.KINDS[run.mark, width], None))
            self.forget(opener.part)
            for used in (opener, run):
                used.left -= width
                self.parts[used.part] = used.mark * used.left
        if opens and run.left:
            for width in (1, 2) if run.left == 3 else (run.left,):
                if (run.mark, width) in self.runs:
                    self.runs[run.mark, width].append(run)

    def forget(self, part: int) -> None:
        """Emphasis that was opened after *part* stays text: a pair around it was closed."""
        for runs in self.runs.values():
            while runs and runs[-1].part > part:
                runs.pop()

    # ---- links

    def may_hold_link(self, bracket: Bracket) -> bool:
        return bracket.part >= (self._images_behind if bracket.image else self._links_behind)

    def link(self, part: int, address: str, title: str = "", *, image: bool = False) -> None:
        """Turn the parts after the opening mark *part* into a link."""
        label = "".join(self.parts[part + 1 :])
        self.parts[part] = "🖼 " if image else ""
        self.forget(part)
        if label.strip() and (url := links.url_of(address)):
            self.span(part + 1, "text_link", url)
        self.put(links.beside(label, address, title=title))
        if image:
            self._images_behind = len(self.parts)
        else:
            self._links_behind = len(self.parts)

    # ---- the end

    def close_all(self, formats: dict[str, str]) -> None:
        """Close everything that is open."""
        for (mark, width), runs in self.runs.items():
            for run in runs:
                if run.left >= width:
                    run.left -= width
                    self.parts[run.part] = ""
                    self.span(run.part + 1, emphasis.KINDS[mark, width])
        for bracket in self.brackets:
            self.parts[bracket.part] = ""
        for part in self.open_code:
            self.span(part, "code")
        for name, opened in self.tags.items():
            for part, _ in opened:
                self.parts[part] = ""
                if formats[name]:
                    self.span(part + 1, formats[name])

    def assembled(self) -> RichText:
        """The whole text with its spans."""
        ends = [0, *accumulate(map(len, self.parts))]
        spans = [TextSpan(ends[first], ends[last], kind, url) for first, last, kind, url in self.spans]
        return RichText("".join(self.parts), tuple(span for span in spans if span.start < span.end))
