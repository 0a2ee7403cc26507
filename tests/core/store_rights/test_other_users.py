"""What the exporter may see in Redis, and that nobody gets in with another one's password."""

import hashlib

import pytest
import redis

from openclaw_core.errors import StoreFault, StoreMisconfigured
from openclaw_core.store import RedisSettings, open_script
from openclaw_core.store.client import digest
from openclaw_core.store.rights import acl_lines
from tests.core.store_rights.deployed_bot import Bot, plain, url_of
from tests.redis_users import ONCE, PASSWORDS


async def test_the_exporter_sees_numbers_and_no_content(bot: Bot) -> None:
    await bot.answer(chat=5, text="a secret", answer="kept")
    with plain(bot.server, "exporter") as exporter:
        assert exporter.info("all")["redis_version"]
        assert exporter.execute_command("LATENCY", "LATEST") == []
        exporter.execute_command("LATENCY", "HISTOGRAM")
        assert exporter.execute_command("SLOWLOG", "LEN") >= 0
        for command in (
            ("SLOWLOG", "GET", "1"), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("SCAN", "0"), ("GET", bot.key("leader")),
            ("TYPE", bot.key("leader")),
            ("HGETALL", bot.key("task", "u1")), ("CLIENT", "LIST"), ("MONITOR",), ("EVAL", "return 1", 0),
            ("EVALSHA", digest("agent"), 1, bot.key("agent", "")),
            ("FLUSHALL",), ("ACL", "LIST"), ("SET", "x", "y"), ("PUBLISH", "x", "y"), ("COMMAND", "INFO", "GET"), ("LATENCY", "RESET"),
        ):  # fmt: skip
            with pytest.raises(redis.ResponseError, match="perm"):
                exporter.execute_command(*command)


# ---- everybody else


async def test_nobody_gets_in_without_a_password(bot: Bot) -> None:
    with redis.Redis(port=bot.server.port, retry=ONCE) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.get("x")


@pytest.mark.parametrize("user", ["brain", "agent", "exporter", "default"])
async def test_nobody_gets_in_with_anothers_password(bot: Bot, user: str) -> None:
    for name, password in PASSWORDS.items():
        if name != user:
            with (
                redis.Redis(port=bot.server.port, username=user, password=password, retry=ONCE) as thief,
                pytest.raises(redis.AuthenticationError),
            ):
                thief.ping()


def test_the_passwords_stand_nowhere_in_the_lines() -> None:
    digests = {user: hashlib.sha256(password.encode()).hexdigest() for user, password in PASSWORDS.items()}
    lines = acl_lines(**digests)
    assert not any(password in line for line in lines for password in PASSWORDS.values())
    assert lines[0] == "user default off"


async def test_a_refused_command_is_told_as_a_setting_to_mend(bot: Bot) -> None:
    settings = RedisSettings(url=url_of(bot.server, "agent"), timeout_s=30)
    async with open_script(settings, bot_id=bot.script.keys.bot_id, rights="agent") as script:
        with pytest.raises((StoreMisconfigured, StoreFault)):
            await script.read("INFO")
