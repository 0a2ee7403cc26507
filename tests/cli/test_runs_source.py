"""Which store `openclaw runs` asks: one that does not answer, and that of a cluster."""

import base64
import json
import os
from pathlib import Path

import pytest

from openclaw_core.store import RedisSettings, open_script
from tests.cli.test_commands import openclaw
from tests.core.store_world import World, task
from tests.redis_users import PASSWORDS, deployed


async def test_a_store_that_does_not_answer_is_one_sentence() -> None:
    code, out = await openclaw("runs", TELEGRAM_TOKEN="1:x", REDIS_URL="redis://127.0.0.1:1")
    assert code == 69
    assert "the store does not answer" in out
    assert "Traceback" not in out


async def test_a_secret_that_cannot_be_read_is_one_sentence_with_what_kubectl_said(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho 'Error from server (Forbidden): secrets' >&2\nexit 1\n")
    program.chmod(0o755)
    code, out = await openclaw("runs", "--cluster", "staging", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert code == 78
    assert "of openclaw-staging cannot be read: Error from server (Forbidden)" in out
    code, out = await openclaw("runs", "--cluster", "staging", PATH=str(tmp_path / "nothing"))
    assert (code, "--cluster needs kubectl" in out) == (78, True)


async def test_another_environment_is_asked_through_a_port_of_its_own_and_no_password_is_typed(
    tmp_path: Path, bot_id: int
) -> None:
    with deployed(tmp_path) as redis:
        url = f"redis://brain:{PASSWORDS['brain']}@127.0.0.1:{redis.port}"
        async with open_script(RedisSettings(url=url), bot_id=bot_id) as script:
            world = World(script)
            await world.lead()
            await world.answered(await world.claimed(task(1)), "an answer")
            await world.show_all()
        token, password = (
            base64.b64encode(one.encode()).decode() for one in (f"{bot_id}:marker-token", f"{PASSWORDS['brain']}\n")
        )
        kubectl = tmp_path / "kubectl"
        kubectl.write_text(f"""#!/bin/sh
case "$*" in
    "-n openclaw-staging get secret redis -o jsonpath={{.data.password}}") printf %s '{password}' ;;
    "-n openclaw-staging get secret telegram -o jsonpath={{.data.token}}") printf %s '{token}' ;;
    "-n openclaw-staging port-forward statefulset/redis :6379")
        echo 'Forwarding from 127.0.0.1:{redis.port} -> 6379'
        echo $$ > '{tmp_path}/forwarded'
        exec sleep 600 ;;
    *) exit 9 ;;
esac
""")
        kubectl.chmod(0o755)
        path = f"{tmp_path}:{os.environ['PATH']}"
        for asked in (("--json",), ("stats", "--json"), ("show", "u1", "--json")):
            code, out = await openclaw("runs", *asked, "--cluster", "staging", PATH=path)
            assert code == 0, out
            assert "coder" in str(json.loads(out))
            assert PASSWORDS["brain"] not in out
            with pytest.raises(ProcessLookupError):  # the port is given back
                os.kill(int((tmp_path / "forwarded").read_text()), 0)
