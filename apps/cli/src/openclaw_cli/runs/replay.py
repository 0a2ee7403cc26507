"""`openclaw runs replay`: rebuild the request of a run from what is kept, compare it with its receipt, and ask again."""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from openclaw_agent.prompt import call_with, messages
from openclaw_cli.up.backends import model_from
from openclaw_core.characters import cleaned
from openclaw_core.environment import Environment
from openclaw_core.errors import SettingsError
from openclaw_core.models.answer_stream import AnswerComplete, AnswerFailed, AnswerStream
from openclaw_core.models.brain_clients import open_brain_clients
from openclaw_core.ports import Message, ModelCall
from openclaw_core.store import RunRecords, Script
from openclaw_core.store.asked_again import Kept, kept_of
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.receipt import digest, messages_digest
from openclaw_core.tasks.run_usage import RunUsage, read_usage
from openclaw_core.tasks.task import RoleSnapshot

SHRINKS = range(5)
"""Levels at which a request is tried: a server may have refused larger ones."""
NOT_THE_SAME = 3
"""Exit status: the request could not be rebuilt byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A request as far as it can be rebuilt."""

    messages: tuple[Message, ...] = field(repr=False)
    snapshot: RoleSnapshot
    same: bool
    """Whether the messages are byte for byte those of the receipt."""
    lacking: tuple[str, ...]
    """What has expired or changed, a sentence each."""


def rebuild(kept: Kept, usage: RunUsage) -> Rebuilt | tuple[str, ...]:
    """The request of a run; only what is lacking where nothing can be rebuilt."""
    missing = []
    if kept.task is None:
        missing.append("The question has expired: it is kept for 7 days.")
    if kept.snapshot is None:
        missing.append("The prompt and the settings have expired: they are kept for 7 days after their last use.")
    if kept.task is None or kept.snapshot is None:
        return tuple(missing)
    if kept.history is None:
        missing.append("The conversation before it has expired: the last 10 turns are kept, for 24 hours.")
    if kept.task.attachments:
        missing.append("Its files and recordings are not kept.")
    tried = [messages(kept.task, kept.snapshot, kept.history or (), shrink=shrink) for shrink in SHRINKS]
    same = next((one for one in tried if messages_digest(one) == usage.receipt.messages), None)
    if same is None and not usage.receipt.messages:
        missing.append("Its receipt has no digest of the messages: nothing can be compared.")
    elif same is None and not missing:
        missing.append("The conversation before it has changed since: turns were dropped, or it began anew.")
    if calls := sum(len(step.calls) for step in usage.steps):
        missing.append(f"The results of {calls} calls of tools are not kept: `runs show --json` has their digests.")
    return Rebuilt(messages=same or tried[0], snapshot=kept.snapshot, same=same is not None, lacking=tuple(missing))


async def replay(args: argparse.Namespace, env: Mapping[str, str], script: Script) -> int:
    """Print the request of the run that *args* name. Returns 1 if there is none, NOT_THE_SAME if it is not as it was."""
    run = await RunRecords(script).find(args.task)
    if run is None:
        print(f"no run of {args.task}: it has not ended, or its record has gone", file=sys.stderr)
        return 1
    rebuilt = rebuild(await kept_of(script, args.task, run.order), read_usage(run.run))
    if not isinstance(rebuilt, Rebuilt):
        print("\n".join(rebuilt), file=sys.stderr)
        return NOT_THE_SAME
    if args.json:
        print(json.dumps(_as_json(rebuilt, text=args.text), indent=2, ensure_ascii=False))
    else:
        _print(rebuilt, text=args.text)
    if args.ask:
        print(cleaned(await _answer(_changed(rebuilt, args), env)))
    return 0 if rebuilt.same else NOT_THE_SAME


def _as_json(rebuilt: Rebuilt, *, text: bool) -> dict[str, object]:
    return {
        "role": rebuilt.snapshot.role, "models": rebuilt.snapshot.models, "same": rebuilt.same, "lacking": rebuilt.lacking,
        "digest": messages_digest(rebuilt.messages),
        "messages": [asdict(one) if text else _about(one) for one in rebuilt.messages],
    }  # fmt: skip


def _about(message: Message) -> dict[str, object]:
    """A message without its words."""
    return {"role": message.role, "digest": digest(message.content), "tokens": estimate_tokens(message.content)}


def _print(rebuilt: Rebuilt, *, text: bool) -> None:
    for one in rebuilt.messages:
        print(f"{one.role:>9}  about {estimate_tokens(one.content)} tokens, digest {digest(one.content)}")
        if text:
            print(f"{cleaned(one.content)}\n")
    for sentence in rebuilt.lacking:
        print(sentence)
    shown = messages_digest(rebuilt.messages)
    print(f"The messages are {'byte for byte those of the run' if rebuilt.same else 'NOT those of the run'}: {shown}")


def _changed(rebuilt: Rebuilt, args: argparse.Namespace) -> Rebuilt:
    """The request with another prompt or model, as *args* ask."""
    if args.prompt is not None:
        try:
            prompt = args.prompt.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"--prompt: {args.prompt} cannot be read: {type(exc).__name__}") from exc
        system, *others = rebuilt.messages
        added = system.content.removeprefix(rebuilt.snapshot.prompt)  # such as the date
        rebuilt = replace(rebuilt, messages=(replace(system, content=prompt + added), *others))
    if args.model is not None:
        rebuilt = replace(rebuilt, snapshot=replace(rebuilt.snapshot, models=(args.model,)))
    return rebuilt


async def _answer(rebuilt: Rebuilt, env: Mapping[str, str]) -> str:
    """What a model of this machine's settings answers now. Raises SettingsError if none does."""
    snapshot = replace(rebuilt.snapshot, tools=(), functions=())

    def make_call(name: str, shrink: int) -> ModelCall:
        return call_with(rebuilt.messages, snapshot, name, shrink)

    async with model_from(env) as model:
        read = Environment(model.env)
        servers = read.model_servers()
        read.done()
        override = model.env.get("MODEL_OVERRIDE")
        async with open_brain_clients(servers) as chat:
            stream = AnswerStream(
                chat=chat, models=(override,) if override else snapshot.models, make_call=make_call, deadline_s=180
            )
            async for event in stream.run():
                if isinstance(event, AnswerComplete):
                    return f"\n{event.model}:\n{event.text}"
                if isinstance(event, AnswerFailed):
                    raise SettingsError(f"no model answered: {event.cause}")
    raise SettingsError("no model answered")
