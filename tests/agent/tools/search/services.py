"""Stand-ins of search services. Each takes only what the service documents, and answers in the documented shape."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from openclaw_agent.tools.search.backends import Backend, SearchCause, SearchFault

KEY = "key-of-the-test"
ROWS = (("The fox", "https://a.org/fox", "A fox is"), ("החוק", "https://b.co.il/law", "לפי החוק"))
Rows = Sequence[tuple[str, str, str]]


def searxng(
    rows: Rows = ROWS, *, unresponsive: Sequence[Sequence[str]] = (), json_allowed: bool = True
) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/sub/search")
        asked = dict(request.url.params)
        assert asked.keys() <= {
            "q",
            "categories",
            "engines",
            "language",
            "pageno",
            "time_range",
            "format",
            "safesearch",
        }
        assert asked["q"]
        if asked.get("format") != "json":
            return httpx.Response(200, html="<html>results</html>")
        if not json_allowed:
            return httpx.Response(403, html="<title>403 Forbidden</title>")
        results = [
            {"url": url, "title": title, "content": content, "engine": "e", "engines": ["e"], "parsed_url": ["https", "", "", "", "", ""], "positions": [1],
             "score": 1.0, "category": "general", "template": "default.html", "publishedDate": None}
            for title, url, content in rows
        ]  # fmt: skip
        return httpx.Response(
            200,
            json={"query": asked["q"], "results": results, "answers": [], "corrections": [], "infoboxes": [], "suggestions": [],
                  "unresponsive_engines": list(unresponsive)},
        )  # fmt: skip

    return answer


def brave(rows: Rows = ROWS, *, key: str = KEY) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.host, request.url.path) == (
            "GET",
            "api.search.brave.com",
            "/res/v1/web/search",
        )
        asked = dict(request.url.params)
        if request.headers.get("x-subscription-token") != key:
            return refusal(422, "SUBSCRIPTION_TOKEN_INVALID")
        known = {
            "q",
            "country",
            "search_lang",
            "ui_lang",
            "count",
            "offset",
            "safesearch",
            "freshness",
            "text_decorations",
            "spellcheck",
            "result_filter",
        }
        if not (asked.keys() <= known and 0 < len(asked["q"]) <= 400 and 1 <= int(asked.get("count", "20")) <= 20):
            return refusal(422, "VALIDATION")
        results = [
            {"title": title, "url": url, "description": text, "type": "search_result", "language": "en"}
            for title, url, text in rows
        ]
        said: dict[str, Any] = {"type": "search", "query": {"original": asked["q"], "more_results_available": False}}
        return httpx.Response(200, json={**said, "web": {"type": "search", "results": results}} if results else said)

    return answer


def refusal(status: int, code: str) -> httpx.Response:
    return httpx.Response(
        status,
        json={
            "type": "ErrorResponse",
            "error": {"id": "1", "status": status, "code": code, "detail": "words of the service", "meta": {}},
            "time": 1,
        },
    )


def tavily(rows: Rows = ROWS, *, key: str = KEY) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "https://api.tavily.com/search")
        assert request.headers["content-type"] == "application/json"
        if request.headers.get("authorization") != f"Bearer {key}":
            return httpx.Response(401, json={"detail": {"error": "Unauthorized: missing or invalid API key."}})
        asked = json.loads(request.content)
        known = {
            "query",
            "max_results",
            "search_depth",
            "topic",
            "time_range",
            "include_answer",
            "include_raw_content",
            "include_images",
            "include_domains",
        }
        if not (
            asked.keys() <= known
            and asked["query"]
            and 0 <= asked["max_results"] <= 20
            and asked["search_depth"] in ("basic", "advanced")
        ):
            return httpx.Response(400, json={"detail": {"error": "words of the service"}})
        results = [
            {"title": title, "url": url, "content": text, "score": 0.9, "raw_content": None}
            for title, url, text in rows
        ]
        return httpx.Response(
            200,
            json={
                "query": asked["query"],
                "answer": None,
                "images": [],
                "results": results,
                "response_time": 0.5,
                "follow_up_questions": None,
            },
        )

    return answer


async def why(backend: Backend) -> SearchCause:
    """Why a search fails, which it must."""
    with pytest.raises(SearchFault) as exc:
        await backend.search("foxes", count=8)
    return exc.value.why
