"""A search without a key: what the library says, and the process that it runs in."""

import asyncio
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from openclaw_agent.tools.search.backends import SearchCause
from openclaw_agent.tools.search.scraping import Scraping, scraped
from tests.agent.tools.search.services import why


class DDGSException(Exception): ...


class RatelimitException(DDGSException): ...


class TimeoutException(DDGSException): ...


def library(answer: Any) -> Any:
    """Stands for ddgs 9.16: `DDGS(timeout=…).text(query, **kwargs)` gives dicts of title, href and body, or raises."""

    class DDGS:
        def __init__(self, proxy: str | None = None, timeout: int | None = 5, *, verify: bool = True) -> None: ...

        def text(
            self, query: str, *, safesearch: str = "moderate", max_results: int | None = 10
        ) -> list[dict[str, str]]:
            if isinstance(answer, Exception):
                raise answer
            return answer[:max_results]  # type: ignore[no-any-return]

    return SimpleNamespace(
        DDGS=DDGS,
        exceptions=SimpleNamespace(
            DDGSException=DDGSException, RatelimitException=RatelimitException, TimeoutException=TimeoutException
        ),
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([{"title": "t", "href": "h", "body": "b"}], {"results": [{"title": "t", "href": "h", "body": "b"}]}),
        (DDGSException("No results found."), {"results": []}),
        (RatelimitException("x"), {"fault": "blocked"}),
        (TimeoutException("x"), {"fault": "time"}),
        (DDGSException("x"), {"fault": "away"}),
    ],
)
def test_what_the_library_says(answer: Any, said: Any) -> None:
    assert scraped("x", 8, library(answer)) == said


def program(code: str, scrape_s: float = 5.0) -> Scraping:
    return Scraping(program=(sys.executable, "-I", "-S", "-c", code), scrape_s=scrape_s)


async def test_the_library_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "secret")
    code = "import json, os, sys; asked = json.load(sys.stdin); print(json.dumps({'results': [{'title': asked['query'], 'href': 'https://a.org', 'body': str(dict(os.environ))}]}))"

    (one,) = await program(code).search("foxes", count=8)

    assert (one.title, one.url) == ("foxes", "https://a.org")
    assert "secret" not in one.snippet
    assert await why(program("print(json.dumps(1))")) is SearchCause.ODD
    assert await why(program('print(\'{"fault": "blocked"}\')')) is SearchCause.BLOCKED
    assert await why(program('print(\'{"fault": "new"}\')')) is SearchCause.ODD


async def test_a_library_that_hangs_ends_in_time_and_with_its_call() -> None:
    began = time.monotonic()
    assert await why(program("import time; time.sleep(60)", scrape_s=0.3)) is SearchCause.TIME
    task = asyncio.create_task(program("import time; time.sleep(60)").search("x", count=8))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 30
