"""`openclaw doctor --only search`: which service the agents of this machine would ask, and whether a SearXNG server answers programs."""

from pathlib import Path

import pytest

from openclaw_cli.doctor.command import examine
from openclaw_cli.doctor.findings import Level
from tests.agent.tools.search.server import searxng

BASE = Path(__file__).parents[2] / "platform/openclaw/base"


async def seen(roles: Path = BASE, **env: str) -> list[tuple[Level, str]]:
    return [(finding.level, finding.text) for finding in await examine(["search"], {"ROLES_DIR": str(roles), **env})]


async def test_nothing_set_is_ddgs_and_asks_nobody() -> None:
    assert await seen() == [(Level.OK, "ddgs, which reads the engines' own pages and breaks now and then")]


async def test_whoever_wants_no_search_is_told_what_that_means() -> None:
    [(level, text)] = await seen(SEARCH_SCRAPING="no")
    assert level is Level.WARNING
    assert text.startswith("none, so answers know what models know: set SEARCH_URL")


async def test_services_are_named_in_the_order_in_which_they_are_asked() -> None:
    assert await seen(TAVILY_API_KEY="t", BRAVE_API_KEY="b") == [(Level.OK, "Brave, then Tavily")]


async def test_searxng_that_answers_programs() -> None:
    async with searxng() as url:
        assert await seen(SEARCH_URL=url) == [(Level.OK, "SearXNG"), (Level.OK, "SearXNG answers")]


async def test_searxng_without_json_says_which_setting_is_missing() -> None:
    async with searxng(json_allowed=False) as url:
        assert (await seen(SEARCH_URL=url))[-1] == (
            Level.FAULT,
            "SearXNG: setup: put `json` into search.formats of its settings",
        )


async def test_searxng_that_is_not_there_or_finds_nothing() -> None:
    assert (await seen(SEARCH_URL="http://127.0.0.1:1"))[-1][0] is Level.FAULT
    async with searxng(()) as url:
        assert (await seen(SEARCH_URL=url))[-1][0] is Level.WARNING


@pytest.mark.parametrize("variable", ["SEARCH_URL", "BRAVE_API_KEY"])
async def test_wrong_settings_are_named_without_their_values(variable: str) -> None:
    [(level, text)] = await seen(BASE, **{variable: "no good value"})
    assert (level, variable in text, "no good value" in text) == (Level.FAULT, True, False)


async def test_roles_that_do_not_search_need_no_service(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "prompts").symlink_to(BASE / "prompts")
    shipped = (BASE / "config/roles.yaml").read_text(encoding="utf-8")
    (tmp_path / "config/roles.yaml").write_text(shipped.replace("[web_search, open_page", "[open_page"))
    assert await seen(tmp_path, SEARCH_SCRAPING="no") == [(Level.OK, "no role searches by a tool of ours")]
