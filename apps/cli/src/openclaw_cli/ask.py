"""`openclaw ask`: answer one question in the terminal, streamed and rendered."""

import argparse
import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown

from openclaw_agent.prompt import model_call
from openclaw_brain.routing import Classifier, decide_agent
from openclaw_cli.up.backends import model_from
from openclaw_core.environment import Environment
from openclaw_core.errors import SettingsError
from openclaw_core.models.answer_stream import AnswerComplete, AnswerFailed, AnswerRestarted, AnswerStream, TextAdded
from openclaw_core.models.brain_clients import open_brain_clients
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.tasks.task import Task
from openclaw_core.texts import wording
from openclaw_core.texts.language import lang_of


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    return asyncio.run(_main(args, env))


async def _main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    console = Console()
    roles = load_roles(Path(env.get("ROLES_DIR", "platform/openclaw/base")))
    if args.role and args.role not in roles.roles:
        raise SettingsError(f"--role must be one of {', '.join(sorted(roles.roles))}")
    lang = lang_of(args.question)
    async with model_from(env) as model:
        if model.demo and lang == "he":
            console.print(wording.sentence(wording.Sentence.DEMO_NO_HEBREW, "he"))
            return 1
        read = Environment(model.env)
        servers = read.model_servers()
        read.done()
        async with open_brain_clients(servers) as chat, Classifier.open() as classifier:
            routed = await decide_agent(
                args.question,
                explicit=args.role,
                previous=None,
                roles=roles,
                chat=chat if not model.demo and servers.route_with(model.env.get("MODEL_OVERRIDE")) else None,
                classifier=classifier,
            )
            snapshot = snapshot_of(
                roles.roles[routed.role], model_override=model.env.get("MODEL_OVERRIDE"), demo=model.demo
            )
            task = Task(
                id="ask", chat_id=0, chat_kind="private", user_id=0, message_id=0, update_id=0, lang=lang,
                text=args.question, admitted_ms=0, snapshot=snapshot,
            )  # fmt: skip
            console.print(f"[dim]{wording.role_label(roles, routed.role, 'en')} · {model.name}[/dim]", highlight=False)
            if snapshot.functions:
                console.print("[dim]without its tools: those run in agents, as `make up` has them[/dim]")
            text = ""
            with Live(console=console, refresh_per_second=8, vertical_overflow="visible") as live:
                make_call = partial(model_call, task, snapshot, ())
                answering = AnswerStream(chat=chat, models=snapshot.models, make_call=make_call, deadline_s=180)
                async for event in answering.run():
                    if isinstance(event, TextAdded):
                        text += event.text
                    elif isinstance(event, AnswerRestarted):
                        text = ""
                    elif isinstance(event, AnswerComplete):
                        text = event.text
                    elif isinstance(event, AnswerFailed):
                        live.update("")
                        console.print(wording.failure(event.cause, lang))
                        return 1
                    live.update(Markdown(text))
    return 0
