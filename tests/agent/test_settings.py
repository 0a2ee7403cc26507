"""Two contracts by environment variables; what is wrong is told by name, never by value."""

import pytest

from openclaw_agent.settings import Alone, InPool, SearchServices, from_env
from openclaw_core.errors import SettingsError

COMMON = {"GROQ_API_KEY": "k", "REDIS_HOST": "r"}
POOL = {**COMMON, "AGENT_JOB": "job-1", "AGENT_POOL": "p", "BOT_ID": "123456789"}
ALONE = {**COMMON, "TASK": " hello ", "ROLE": "coder", "CHAT_ID": "-1005", "TELEGRAM_TOKEN": "42:secret"}


def test_a_place_in_a_pool_needs_no_token() -> None:
    settings = from_env(POOL)

    assert settings.bot_id == 123456789
    assert settings.contract == InPool(pool="p", job="job-1", tasks_per_job=1, warm_max_age_s=900)


@pytest.mark.parametrize("token", ["42:secret", "not a token"])
def test_a_place_in_a_pool_leaves_a_token_alone(token: str) -> None:
    settings = from_env({**POOL, "TELEGRAM_TOKEN": token})

    assert settings == from_env(POOL)
    assert "secret" not in repr(vars(InPool)) + repr(settings)


def test_search_services_are_read_once_and_their_keys_stay_out_of_reprs() -> None:
    search = from_env({**POOL, "SEARCH_URL": "http://searxng:8080/", "BRAVE_API_KEY": "secret"}).search

    assert search == SearchServices(searxng_url="http://searxng:8080", brave_key="secret")
    assert "secret" not in repr(search)
    assert from_env(POOL).search == SearchServices()
    with pytest.raises(SettingsError) as refused:
        from_env({**POOL, "SEARCH_URL": "searxng", "BRAVE_API_KEY": "b b", "SEARCH_SCRAPING": "perhaps"})
    assert [name for name in ("SEARCH_URL", "BRAVE_API_KEY", "SEARCH_SCRAPING") if name not in str(refused.value)] == []


def test_a_task_alone_takes_the_bots_id_from_its_token() -> None:
    settings = from_env({**ALONE, "TASK_ID": "t1", "BOT_ID": "7"})

    assert settings.bot_id == 42
    assert isinstance(settings.contract, Alone)
    assert (settings.contract.task_id, settings.contract.chat_id, settings.contract.text) == (
        "alone-t1",
        -1005,
        "hello",
    )
    assert "secret" not in repr(settings)


def test_a_task_without_an_id_is_a_new_one_at_each_start() -> None:
    first, second = from_env(ALONE).contract, from_env(ALONE).contract
    assert isinstance(first, Alone)
    assert isinstance(second, Alone)
    assert first.task_id != second.task_id


@pytest.mark.parametrize(
    ("env", "faults"),
    [
        (COMMON, ["TASK is missing: give TASK, ROLE and CHAT_ID for one task, or AGENT_JOB, AGENT_POOL and BOT_ID"]),
        ({**POOL, "BOT_ID": ""}, ["BOT_ID is missing"]),
        ({**POOL, "BOT_ID": "42:a"}, ["BOT_ID must be a number"]),
        ({**ALONE, "CHAT_ID": "five", "TASK": " "}, ["CHAT_ID must be the number of a chat", "TASK is empty"]),
        ({**ALONE, "TELEGRAM_TOKEN": ""}, ["TELEGRAM_TOKEN is missing"]),
        ({**POOL, "GROQ_API_KEY": "gsk_ab\u200bc"}, ["GROQ_API_KEY holds characters that no key has"]),
    ],
)
def test_what_is_wrong_is_told_together(env: dict[str, str], faults: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        from_env(env)
    assert [fault in str(refused.value) for fault in faults] == [True] * len(faults)
    assert "gsk_" not in str(refused.value)
    assert str(refused.value).count("\n") == len(faults)
