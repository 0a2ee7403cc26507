"""`openclaw bench local`: measure the real brain and agents between stand-ins, with the flood limits on."""

import argparse
import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from openclaw_cli.bench.costs import IDLE_S, costs_of
from openclaw_cli.bench.figures import quantile_table, routing_summary, summary, usage_by_role
from openclaw_cli.bench.questions import Question, add_results, send
from openclaw_cli.bench.roles import folder_without_tools
from openclaw_cli.bench.waits import until_ended, until_leading, until_warm
from openclaw_cli.up import child_processes
from openclaw_cli.up.local_redis import local_redis
from openclaw_core.store import Inbox, Leadership, RedisSettings, RunRecords, open_script
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel

BOT_ID = 777000
SHIPPED = "platform/openclaw/base"


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    report = asyncio.run(_run(args, env))
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
        print(json.dumps(report))
    return 1 if report["lost"] or report["twice"] or report["out_of_order"] else 0


async def _run(args: argparse.Namespace, outer: Mapping[str, str]) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openclaw-bench-")))
        redis_url = await stack.enter_async_context(local_redis(folder / "redis"))
        script = await stack.enter_async_context(open_script(RedisSettings(url=redis_url), bot_id=BOT_ID))
        token, key = f"{BOT_ID}:{secrets.token_urlsafe(24)}", secrets.token_urlsafe(24)
        api = await stack.enter_async_context(BotApi.open(token=token, data_dir=folder / "chat", flood=True))
        model = await stack.enter_async_context(ScriptedModel.open(api_key=key))
        env = {
            **{name: outer[name] for name in ("PATH", "HOME") if name in outer},
            "TELEGRAM_TOKEN": token, "TELEGRAM_BASE_URL": api.url, "GROQ_API_KEY": key, "GROQ_BASE_URL": model.url, "REDIS_URL": redis_url,
            "ALLOWED_USER_IDS": "*", "RUNNING_CAP": str(args.running_cap), "WARM_AGENTS": str(args.warm),
            "TASKS_PER_JOB": str(args.tasks_per_job),
            "LOG_LEVEL": "warning", "ROLES_DIR": str(folder_without_tools(Path(SHIPPED), folder / "roles")),
        }  # fmt: skip
        log = stack.enter_context((folder / "brain.log").open("wb"))
        brain = await stack.enter_async_context(child_processes.brain(env, log))
        await until_leading(script)
        await until_warm(script, args.warm)
        load_before = os.getloadavg()[0]
        admits_per_s = await _admits_per_s(redis_url)
        memory = await _memory(brain.pid)
        idle = await costs_of(lambda: until_ended(script, 1, IDLE_S), script, brain.pid)
        asked: list[Question] = []

        async def all_of_it() -> None:
            asked.extend(await send(api, messages=args.messages, chats=args.chats, per_s=args.rate))
            await until_ended(script, len(asked), args.timeout_s)
            await asyncio.sleep(0.5)

        spent = await costs_of(all_of_it, script, brain.pid)
        after = await _memory(brain.pid)
        await add_results(asked, script, api, model)
        report = summary(asked, api)
        report |= {
            "conditions": {
                "messages": args.messages, "chats": args.chats, "rate_per_s": args.rate, "running_cap": args.running_cap, "warm": args.warm,
                "tasks_per_job": args.tasks_per_job, "cores": os.cpu_count(), "load_before": round(load_before, 2),
                "load_after": round(os.getloadavg()[0], 2),
                "model": "0.3 s to the first token, 100 tokens/s, 120 tokens", "flood_limits": "on",
            },
            "admits_per_s_alone": admits_per_s,
            "a_message": spent.without_idle(idle).each(len(asked)),
            "memory_mb": {"brain": after["brain"], "agent_waiting": memory["agent"]},
            "routing": routing_summary(asked, model),
            "by_role": usage_by_role(asked),
            "outcomes": await RunRecords(script).outcomes(),
        }  # fmt: skip
        return report


async def _admits_per_s(redis_url: str, *, batches: int = 50) -> int:
    """Updates a second that one step after the other admits, in batches of 100 as Telegram gives them, with nothing beside."""
    async with open_script(RedisSettings(url=redis_url), bot_id=BOT_ID + 1) as script:
        inbox = Inbox(script)
        epoch = await Leadership(script).take_lead("bench", ttl_s=60)
        message = {
            "message_id": 1,
            "date": 0,
            "chat": {"id": 1, "type": "private"},
            "from": {"id": 1, "is_bot": False},
            "text": "x" * 60,
        }
        began = time.monotonic()
        for n in range(0, batches * 100, 100):
            await inbox.admit(
                [("inbox", {"update_id": n + i, "message": message}) for i in range(100)], offset=n + 100, epoch=epoch
            )
        return round(batches * 100 / (time.monotonic() - began))


async def _memory(brain_pid: int) -> dict[str, float]:
    """Resident memory in MB of the brain, and of the largest agent."""
    brain = psutil.Process(brain_pid)
    agents = []
    for child in brain.children(recursive=True):
        try:
            parent = child.parent()
            if (
                parent is not None
                and parent.pid != brain_pid
                and "openclaw_agent.fork_server" in " ".join(child.cmdline())
            ):
                agents.append(child.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return {"brain": round(brain.memory_info().rss / 1e6, 1), "agent": round(max(agents, default=0) / 1e6, 1)}


def show(report: dict[str, Any]) -> None:
    console = Console()
    console.print("  ".join(f"{name} {value}" for name, value in report["conditions"].items()), highlight=False)
    console.print(quantile_table(report["seconds"]))
    costs = Table("a message", "script calls", "kB to and from Redis", "ms of CPU: brain", "agents")
    costs.add_row("idle polling taken off", *(str(value) for value in report["a_message"].values()))
    console.print(costs)
    roles = Table("role", "answers", "tokens of a prompt", "cached", "of an answer", "USD for 1,000")
    for role, row in report["by_role"].items():
        roles.add_row(role, *(str(value) for value in row.values()))
    console.print(roles)
    console.print(
        f"lost {report['lost']}  twice {report['twice']}  out of order {report['out_of_order']}", style="bold"
    )
    console.print(f"per second {report['per_s']}, admission alone {report['admits_per_s_alone']}", highlight=False)
    console.print(
        f"routing {report['routing']}  memory MB {report['memory_mb']}  warm claims {report['claims_warm']}",
        highlight=False,
    )
