"""Redis' volume is lost under load. The copy of scripts/backup-redis becomes the store, and what was taken before it is there."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, apply, kubectl, ours, redis, until
from tests.e2e.world import BOT_ID, Asked, World
from tests.redis_server import RedisServer

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = "openclaw-restored"
STORE = ("ConfigMap", "Secret", "Service", "ServiceAccount", "StatefulSet")
DIGESTS = """
local function value(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'hash' and kind ~= 'set' then return redis.call('DUMP', key) end
  local flat, parts = redis.call(kind == 'hash' and 'HGETALL' or 'SMEMBERS', key), {}
  for i = 1, #flat, kind == 'hash' and 2 or 1 do parts[#parts + 1] = kind == 'hash' and flat[i] .. '=' .. flat[i + 1] or flat[i] end
  table.sort(parts)
  return table.concat(parts, '\\n')
end
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local ttl = redis.call('PTTL', key)
  if ttl == -1 or ttl > 600000 then all[#all + 1] = key .. ' ' .. redis.sha1hex(value(key)) end
end
return all
"""
"""Every key that does not expire during the test, with a digest of its value. Large hashes and sets have another order on each server."""


def script(name: str, *args: "str | Path") -> None:
    done = subprocess.run([ROOT / "scripts" / name, *args], capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    assert done.returncode == 0, done.stdout + done.stderr


def lose_the_volume() -> None:
    """Nothing of the data is left, and Kubernetes has the claim no more. The StatefulSet makes an empty one."""
    ours("exec", "redis-0", "--", "sh", "-c", "rm -rf /data/*")
    ours("delete", "pvc", "data-redis-0", "--wait=false")
    ours("delete", "pod", "redis-0", "--force", "--grace-period=0")


def turns(asked: Asked) -> int:
    return int(redis("LLEN", f"oc:{BOT_ID}:turns:{asked.chat_id}"))


def test_what_was_taken_before_the_copy_is_there_after_the_loss(bot: World, tmp_path: Path) -> None:
    answered = [bot.ask(bot.new_chat(), f"answered before the copy {n}") for n in range(20)]
    bot.settled(answered, within_s=180)
    until(bot.idle, within_s=60, what="an end of all work")
    remembered = [turns(one) for one in answered]

    bot.pace(first_token_s=3.0, tokens_per_s=20.0, tokens=60)
    chats = [bot.new_chat() for _ in range(10)]
    waiting = [bot.ask(chat, f"on its way at the copy {n}") for n in range(2) for chat in chats]
    until(lambda: all(bot.task(one, "state") for one in waiting), within_s=60, what="all messages in the store")
    began = time.monotonic()
    script("backup-redis", NAMESPACE, tmp_path / "store.rdb")
    copied = time.monotonic()
    after = [bot.ask(bot.new_chat(), f"after the copy {n}") for n in range(20)]
    until(lambda: all(bot.task(one, "state") for one in after), within_s=60, what="all messages in the store")

    lost = time.monotonic()
    lose_the_volume()
    until(lambda: ours("get", "pod", "redis-0", check=False), within_s=60, what="a Redis without data")
    ordered = time.monotonic()
    script("restore-redis", NAMESPACE, tmp_path / "store.rdb", "--replace")
    serves = time.monotonic()
    assert [turns(one) for one in answered] == remembered
    bot.settled([*answered, *waiting], within_s=180)
    # What was answered after the copy is answered once more, in its own message.
    until(bot.idle, within_s=180, what="an end of all work")
    settled = time.monotonic()

    found = bot.verdict([*answered, *waiting])
    assert found["lost"] == []
    assert [question for question in found["twice"] if question.startswith("answered")] == []
    # Nobody can promise more for these than what happened to each.
    ended = [one for one in after if bot.answers(one) or bot.told(one)]
    again = bot.ask(answered[0].chat_id, "once more")
    bot.answered(again)
    assert turns(again) > remembered[0], "the conversation goes on behind what it held"
    print(
        f"copy {copied - began:.1f} s, loss to order {ordered - lost:.1f} s, order to a ready brain {serves - ordered:.1f} s, "
        f"to the last old message {settled - serves:.1f} s; {len(found['twice'])} of {len(waiting)} on their way came twice; "
        f"{len(ended)} of {len(after)} after the copy ended"
    )


@contextlib.contextmanager
def another_namespace() -> Iterator[None]:
    try:
        yield
    finally:
        kubectl("delete", "namespace", ELSEWHERE, "--ignore-not-found", "--timeout=120s", timeout_s=150)
        for volume in json.loads(kubectl("get", "pv", "-o", "json"))["items"]:
            if volume["spec"].get("claimRef", {}).get("namespace") == ELSEWHERE:  # retained: nobody could take it again
                patch = '[{"op": "remove", "path": "/spec/claimRef"}]'
                kubectl("patch", "pv", volume["metadata"]["name"], "--type=json", "-p", patch)


def test_a_new_namespace_gets_every_key_of_the_copy(bot: World, tmp_path: Path) -> None:
    bot.answered(bot.ask(bot.new_chat(), "one for the copy"))
    copy = tmp_path / "store.rdb"
    script("backup-redis", NAMESPACE, copy)

    with another_namespace():
        began = time.monotonic()
        # A volume of a test cluster is used again, and may hold the data of a run before.
        script("restore-redis", ELSEWHERE, copy, "--image", "localhost/redis:test", "--replace")
        for obj in bot.cluster.objects:
            if obj["kind"] in STORE and obj["metadata"]["name"].startswith("redis"):
                apply({**obj, "metadata": {**obj["metadata"], "namespace": ELSEWHERE}})
        kubectl("-n", ELSEWHERE, "rollout", "status", "statefulset/redis", "--timeout=120s", timeout_s=130)
        print(f"from the order to a Redis that serves: {time.monotonic() - began:.1f} s")

        line = 'REDISCLI_AUTH="$(cat /run/secrets/openclaw/redis/password)" exec valkey-cli --user brain EVAL "$1" 0'
        listed = kubectl("-n", ELSEWHERE, "exec", "redis-0", "--", "sh", "-ec", line, "valkey-cli", DIGESTS)

    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir/appendonly.aof.1.base.rdb").write_bytes(copy.read_bytes())
    (tmp_path / "appendonlydir/appendonly.aof.manifest").write_text("file appendonly.aof.1.base.rdb seq 1 type b\n")
    with RedisServer.start(tmp_path) as server:
        here = subprocess.run(
            ["redis-cli", "-p", str(server.port), "EVAL", DIGESTS, "0"], capture_output=True, text=True, check=True
        )
    assert f"oc:{BOT_ID}:epoch " in listed
    assert sorted(listed.split("\n")) == sorted(here.stdout.split("\n"))
