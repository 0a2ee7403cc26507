"""`open_page`: a link becomes the text behind it, in numbered parts, and a page that an answer may cite."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_agent.tools.fetching.addresses import parse_address
from openclaw_agent.tools.fetching.faults import NotFetched
from openclaw_agent.tools.fetching.fetcher import TOTAL_S, Fetcher
from openclaw_agent.tools.framing import clean_material, framed, one_line
from openclaw_agent.tools.opened import OpenedPages, Source
from openclaw_agent.tools.pages.children import READ_S, ChildReader, PageReader, Unread
from openclaw_agent.tools.pages.parts import PART_TOKENS, text_parts
from openclaw_agent.tools.tool import Doing, Status, ToolResult, failed, subject
from openclaw_core.characters import is_blank

TITLE_CHARS = 200
_PARAMETERS = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "description": "The whole address, beginning with https:// or http://."},
        "part": {
            "type": "integer",
            "minimum": 1,
            "description": "Which part of a long page; the first one if left out.",
        },
    },
    "required": ["url"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPage:
    """The tool. It keeps no page: those of a run are in its `OpenedPages`."""

    fetcher: Fetcher = field(default_factory=Fetcher)
    reader: PageReader = field(default_factory=ChildReader)
    part_tokens: int = PART_TOKENS
    name: str = "open_page"
    description: str = (
        "Open one web page and read its text. Use it for links in the user's message and for the most promising "
        "search results: a search result alone is no source. The page gets a number; cite what it says as [number], "
        "directly behind the claim. Quote it word for word or not at all. PDF, Office documents and e-books behind an "
        "address are read too. Long pages come in parts. It cannot log in, fill in forms or run scripts."
    )
    parameters: Mapping[str, Any] = field(default_factory=lambda: _PARAMETERS)
    timeout_s: float = TOTAL_S + READ_S + 2

    def status(self, arguments: Mapping[str, Any]) -> Status:
        try:
            domain = parse_address(str(arguments.get("url", "")), ports=self.fetcher.ports).domain
        except NotFetched:
            domain = ""
        return Status(doing=Doing.READING, subject=subject(domain))

    async def call(self, arguments: Mapping[str, Any], pages: OpenedPages) -> ToolResult:
        url, part = arguments.get("url"), arguments.get("part", 1)
        if not isinstance(url, str):
            return failed("open_page needs the argument url: one whole web address.")
        if isinstance(part, float | str) and str(part).removesuffix(".0").isdecimal():
            part = int(float(part))
        if not isinstance(part, int) or isinstance(part, bool) or part < 1:
            return failed("The argument part of open_page is a whole number from 1 on.")
        try:
            asked = parse_address(url, ports=self.fetcher.ports).text
            source = pages.at(asked) or await self._opened(asked, pages)
        except NotFetched as exc:
            return failed(exc.sentence)
        except Unread as exc:
            return failed(str(exc))
        return self._part(source, part)

    async def _opened(self, url: str, pages: OpenedPages) -> Source:
        """The page at *url*, with its number. Raises NotFetched and Unread."""
        got = await self.fetcher.fetch(url)
        if known := pages.at(got.address.text):
            return pages.open(known.url, asked=url, domain=known.domain, title=known.title, text=known.text)
        document = await self.reader.read(got.body, got.kind, charset=got.charset)
        text = clean_material(document.text)
        if is_blank(text):
            raise Unread("There is no text on this page that can be read. It may need scripts, or be a picture.")
        if document.cut:
            text += "\n\n[The page is longer; the rest was not read.]"
        title = one_line(document.title, TITLE_CHARS)
        return pages.open(
            got.address.text, asked=url, domain=got.address.domain, title=title, text=text, date=document.date
        )

    def _part(self, source: Source, part: int) -> ToolResult:
        pieces = text_parts(source.text, self.part_tokens)
        if part > len(pieces):
            return failed(f"Page {source.number} has {len(pieces)} part(s); there is no part {part}.")
        head = f"Page [{source.number}]: {source.url}\nPart {part} of {len(pieces)}."
        if part < len(pieces):
            head += f" For the next one call open_page with part {part + 1}."
        if source.date:
            head += f" The page says that it is of {source.date}."
        title = f"Title: {source.title}\n\n" if source.title else ""
        return ToolResult(
            text=f"{head}\n{framed(title + pieces[part - 1].strip(), name=f'page {source.number}')}", sources=(source,)
        )
