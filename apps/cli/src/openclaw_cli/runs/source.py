"""Open the store whose runs are asked for: of a cluster, of REDIS_URL, or of `openclaw up` on this machine."""

import argparse
import asyncio
import base64
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from openclaw_cli.port_forward import forwarded
from openclaw_cli.up.backends import LOCAL_BOT_ID
from openclaw_cli.up.local_redis import local_redis
from openclaw_core.environment import Environment
from openclaw_core.errors import SettingsError
from openclaw_core.store import RedisSettings, Script, open_script

REDIS_PORT = 6379


@asynccontextmanager
async def opened(args: argparse.Namespace, env: Mapping[str, str]) -> AsyncIterator[Script]:
    """The store that *args* and *env* name. Raises SettingsError if it cannot be reached as they say."""
    async with AsyncExitStack() as stack:
        if args.cluster:
            url, bot_id = await stack.enter_async_context(of_cluster(args.cluster))
        else:
            _, bot_id = Environment({"TELEGRAM_TOKEN": f"{LOCAL_BOT_ID}:of-any-run", **env}).token()
            url = await stack.enter_async_context(
                local_redis(Path(args.data).resolve() / "redis", redis_url=env.get("REDIS_URL"))
            )
        yield await stack.enter_async_context(open_script(RedisSettings(url=url), bot_id=bot_id))


@asynccontextmanager
async def of_cluster(environment: str) -> AsyncIterator[tuple[str, int]]:
    """The URL of an environment's Redis, through a port of this machine, and the bot's id.

    The password is read from its Secret and is never shown.
    """
    if shutil.which("kubectl") is None:
        raise SettingsError("--cluster needs kubectl: install it, and let KUBECONFIG name the cluster")
    namespace = f"openclaw-{environment}"
    password, token = await asyncio.gather(
        _secret(namespace, "redis", "password"), _secret(namespace, "telegram", "token")
    )
    _, bot_id = Environment({"TELEGRAM_TOKEN": token}).token()
    async with forwarded(namespace, "statefulset/redis", REDIS_PORT) as port:
        yield f"redis://brain:{quote(password, safe='')}@127.0.0.1:{port}", bot_id


async def _secret(namespace: str, name: str, key: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("kubectl", "-n", namespace, "get", "secret", name, "-o", f"jsonpath={{.data.{key}}}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode:
        raise SettingsError(f"the Secret {name} of {namespace} cannot be read: {err.decode().strip()}")
    if not out:
        raise SettingsError(f"the Secret {name} of {namespace} has no key {key}")
    return base64.b64decode(out).decode().strip()
