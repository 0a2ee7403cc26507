"""`web_search`: a query becomes titles, addresses and snippets. A result is no source: only an opened page is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_agent.tools.framing import framed
from openclaw_agent.tools.opened import OpenedPages
from openclaw_agent.tools.search.backends import QUERY_MAX_CHARS, Backend, SearchFault
from openclaw_agent.tools.search.results import kept, result_list
from openclaw_agent.tools.tool import Doing, Status, ToolResult, failed, subject
from openclaw_core.characters import is_blank

RESULTS = 8
_PARAMETERS = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "A few plain words, as one would type them into a search engine."}
    },
    "required": ["query"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSearch:
    """The tool, over one search service or several in order."""

    backend: Backend
    name: str = "web_search"
    description: str = (
        "Search the web. Use it for anything recent, for facts that you are not sure of, and to find pages to cite. "
        "It gives titles, addresses and short snippets. Snippets are no sources: open the most promising results with "
        "open_page before you rely on them. Search in the language in which the answer is likely to be written."
    )
    parameters: Mapping[str, Any] = field(default_factory=lambda: _PARAMETERS)
    timeout_s: float = 20.0

    def status(self, arguments: Mapping[str, Any]) -> Status:
        return Status(doing=Doing.SEARCHING, subject=subject(arguments.get("query")))

    async def call(self, arguments: Mapping[str, Any], pages: OpenedPages) -> ToolResult:
        query = arguments.get("query")
        if not isinstance(query, str) or is_blank(query):
            return failed("web_search needs the argument query: a few words to search for.")
        query = " ".join(query.split())[:QUERY_MAX_CHARS]
        try:
            results = kept(await self.backend.search(query, count=RESULTS), RESULTS)
        except SearchFault as exc:
            return failed(exc.sentence)
        if not results:
            return failed("The search found nothing. Try fewer or other words.")
        text = framed(result_list(results), name="results")
        return ToolResult(
            text=f"{text}\nNone of these was opened. Open those that matter with open_page; only opened pages can be cited."
        )
