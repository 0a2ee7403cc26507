"""ddgs: engines read without a key, for a laptop where nothing is set.

This file is also a program: it runs by itself, in a process of its own.

ddgs reads the engines' pages with parsers in C, opens connections of its own and cannot be stopped within a thread. In
a process it has none of the agent's environment and ends with the call. It breaks now and then, and it is not for a
cluster: set one of the other services there.
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRAPE_S = 12.0
_ENGINE_S = 5


def is_installed() -> bool:
    return importlib.util.find_spec("ddgs") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraping:
    program: Sequence[str] = (sys.executable, "-I", str(Path(__file__)))
    scrape_s: float = SCRAPE_S
    name: str = "ddgs"

    async def search(self, query: str, *, count: int) -> Sequence[Any]:
        """As in `Backend`."""
        from openclaw_agent.tools.child import said_by
        from openclaw_agent.tools.search.asking import found_in, rows
        from openclaw_agent.tools.search.backends import SearchCause, SearchFault

        given = json.dumps({"query": query, "count": count * 2}).encode()
        try:
            said = await said_by(self.program, given, within_s=self.scrape_s)
        except TimeoutError:
            raise SearchFault(SearchCause.TIME) from None
        except ValueError:
            raise SearchFault(SearchCause.ODD) from None
        if isinstance(said, dict) and said.get("fault") in list(SearchCause):
            raise SearchFault(SearchCause(said["fault"]))
        return [found_in(row, url="href", snippet="body") for row in rows(said, "results")]


def scraped(query: str, count: int, ddgs: Any) -> Mapping[str, Any]:
    """The results of the library, or the fault that it tells."""
    try:
        return {"results": ddgs.DDGS(timeout=_ENGINE_S).text(query, max_results=count, safesearch="moderate")}
    except ddgs.exceptions.RatelimitException:
        return {"fault": "blocked"}
    except ddgs.exceptions.TimeoutException:
        return {"fault": "time"}
    except ddgs.exceptions.DDGSException as exc:
        return {"results": []} if "No results" in str(exc) else {"fault": "away"}


def main() -> None:
    asked = json.load(sys.stdin)
    ddgs = importlib.import_module("ddgs")
    importlib.import_module("ddgs.exceptions")
    json.dump(scraped(asked["query"], asked["count"], ddgs), sys.stdout)


if __name__ == "__main__":
    main()
