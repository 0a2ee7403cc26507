"""`openclaw eval answers`: ask two versions of prompts, roles and settings the same tasks, and say whether the new one is worse.

Exit status: 0 not worse, 1 worse, 2 could not run, 3 no verdict.
"""

import argparse
import asyncio
import json
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_agent.tools.runner import runner_at
from openclaw_brain.agents.local_runners import LocalRunners, can_run
from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.asking import Asker
from openclaw_cli.eval.answers.cache import AnswerCache
from openclaw_cli.eval.answers.comparing import Comparing, Comparison, GradeAnswer, Progress
from openclaw_cli.eval.answers.graders.programs import Sandbox
from openclaw_cli.eval.answers.grading import Grade, grade
from openclaw_cli.eval.answers.markdown import markdown_of
from openclaw_cli.eval.answers.model_judge import JudgeReport, ModelJudge
from openclaw_cli.eval.answers.page import page_of
from openclaw_cli.eval.answers.report import report_json, report_of
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_cli.eval.answers.tasks import BadTasks, load_tasks
from openclaw_cli.eval.answers.versions import Version, at_revision, changed_roles, with_canaries, work_tree
from openclaw_cli.up.backends import is_chosen, model_from
from openclaw_core.environment import NO_KEY, Environment
from openclaw_core.errors import SettingsError
from openclaw_core.models.clients import open_clients
from openclaw_core.models.providers import ModelServers
from openclaw_core.ports import JsonModel
from openclaw_core.sealed import Outcome, RunnerCause, RunRequest, RunResult
from openclaw_standin.model.server import ScriptedModel

COULD_NOT_RUN = 2
AGENT = "eval-answers"
"""The name of the one sealed runner."""


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    for name in ("openclaw", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # faults of answers are in the report
    try:
        return asyncio.run(_main(args, env))
    except (SettingsError, BadTasks) as exc:
        print(exc, file=sys.stderr)
        return COULD_NOT_RUN
    except Exception:  # noqa: BLE001 - Python ends with 1, which would say that the new version is worse
        traceback.print_exc()
        return COULD_NOT_RUN


async def _main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    repository = Path.cwd()
    for report in (args.json, args.markdown, args.html):
        if report is not None and not report.parent.is_dir():
            raise SettingsError(f"{report} cannot be written: there is no folder {report.parent}")
    after = at_revision(repository, args.of) if args.of else work_tree(repository)
    before = at_revision(repository, args.against, of=args.of or "HEAD")
    after = with_canaries(before, after, args.role or tuple(after.roles.roles))
    model = args.model or env.get("MODEL_OVERRIDE") or None
    roles = _roles(args, before, after, model)
    tasks = [task for task in load_tasks(args.tasks) if task.role in roles]
    if not roles:
        print(f"no prompt, role or setting differs from {before.name}: nothing to ask", file=sys.stderr)
        return 0
    if not tasks:
        raise SettingsError(f"{args.tasks} has no tasks for {', '.join(roles)}: write some (docs/evals.md)")
    async with AsyncExitStack() as stack:
        asked = await stack.enter_async_context(_server(env))
        chat = await stack.enter_async_context(open_clients(asked.servers))
        socket = await stack.enter_async_context(_runner(env))
        if args.judge and asked.scripted:
            raise SettingsError("--judge needs a model: set GROQ_API_KEY or MODEL_BASE_URL")
        if args.limit is not None:
            for version in (before, after):
                _check_prices(roles, version, model)
            if args.judge:
                _check_prices(roles[:1], after, args.judge)
        progress = _ProgressLines()
        comparing = Comparing(
            before=before,
            after=after,
            ask=Asker(server=chat, runner_socket=socket).ask,
            grade=_grader(socket),
            cache=AnswerCache(folder=args.cache),
            server=asked.kept_as,
            runner=socket is not None,
            model=model,
            priced=not asked.scripted,
            limit_micro_usd=None if args.limit is None else round(args.limit * 1e6),
            parallel=max(1, args.parallel),
            tell=progress.tell,
        )
        comparison = await comparing.compare(tasks)
        judged = await _judged(args, comparison, after, chat, asked.kept_as) if args.judge else None
    report = report_of(comparison, before, after, model=model or asked.name, scripted=asked.scripted, judged=judged)
    if args.json:
        args.json.write_text(json.dumps(report_json(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    text = markdown_of(report)
    if args.markdown:
        args.markdown.write_text(text, encoding="utf-8")
    if args.html:
        args.html.write_text(page_of(report), encoding="utf-8")
    print(text)
    return COULD_NOT_RUN if comparison.server_failed else report.verdict.ruling.exit_code


async def _judged(
    args: argparse.Namespace, comparison: Comparison, version: Version, chat: JsonModel, server: str
) -> JudgeReport:
    """What the model of --judge says, for what is left of the limit."""
    judge = ModelJudge(
        chat=chat,
        server=server,
        model=args.judge,
        spec=version.roles.models.get(args.judge),
        folder=args.cache,
        limit_micro_usd=None if args.limit is None else round(args.limit * 1e6) - (comparison.spent_micro_usd or 0),
        parallel=max(1, args.parallel),
    )
    return await judge.opinions_of(comparison.pairs)


def _roles(args: argparse.Namespace, before: Version, after: Version, model: str | None) -> tuple[str, ...]:
    """The roles to ask. Raises SettingsError for one that one of the versions does not have."""
    both = [name for name in after.roles.roles if name in before.roles.roles]
    if unknown := [name for name in args.role if name not in both]:
        raise SettingsError(f"--role {unknown[0]}: both versions have {', '.join(both)}")
    wanted = args.role or both
    if args.all:
        return tuple(wanted)
    return tuple(name for name in changed_roles(before, after, model) if name in wanted)


def _check_prices(roles: Sequence[str], version: Version, model: str | None) -> None:
    for role in roles:
        for name in (model,) if model else version.roles.roles[role].models:
            spec = version.roles.models.get(name)
            if spec is None or spec.input_usd_per_mtok is None or spec.output_usd_per_mtok is None:
                raise SettingsError(
                    f"--limit cannot be kept: roles.yaml has no usd_per_mtok for {name}. Add it, or leave --limit out"
                )


# ---- where models and code are asked


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedServer:
    """Where models are asked. *name* is for people."""

    name: str
    scripted: bool
    servers: ModelServers = field(repr=False)

    @property
    def kept_as(self) -> str:
        """Tells answers of different servers apart: the addresses of all, since a role's models may be at several."""
        if self.scripted:  # at another port each time
            return self.name
        named = (f"{name}={server.url}" for name, server in sorted(self.servers.named.items()))
        return " ".join([self.servers.default.url, *named])


@asynccontextmanager
async def _server(env: Mapping[str, str]) -> AsyncIterator[AskedServer]:
    """The server that *env* names, else the scripted model, started here."""
    if is_chosen(env):
        async with model_from(env) as model:
            yield AskedServer(name=model.name, scripted=False, servers=_servers(model.env))
        return
    async with ScriptedModel.open(first_token_s=0.0, tokens_per_s=1e6, tokens=60) as scripted:
        servers = _servers({"GROQ_BASE_URL": scripted.url, "GROQ_API_KEY": NO_KEY})
        yield AskedServer(name="the scripted model", scripted=True, servers=servers)


def _servers(env: Mapping[str, str]) -> ModelServers:
    read = Environment(env)
    servers = read.model_servers()
    read.done()
    return servers


@asynccontextmanager
async def _runner(env: Mapping[str, str]) -> AsyncIterator[Path | None]:
    """The socket of a sealed runner, until the block ends; None where none can be started, which is said."""
    if why := can_run():
        print(f"no code can be run here ({why}): tasks whose check needs that are not graded", file=sys.stderr)
        yield None
        return
    runners = LocalRunners(environment={"PATH": env.get("PATH", "")}, needs=lambda role: True)
    try:
        await runners.start(AGENT, "coder")
        yield runners.socket_of(AGENT)
    finally:
        await runners.close()


class _NoSandbox:
    """`Sandbox` where nothing can be run."""

    async def run(self, request: RunRequest) -> RunResult:
        return RunResult(program=Outcome(cause=RunnerCause.NOT_AVAILABLE, why="no runner is here"))


def _grader(socket: Path | None) -> GradeAnswer:
    sandbox: Sandbox = _NoSandbox() if socket is None else runner_at(socket)

    async def graded(task: AnswerTask, answer: Answer, prompt: str) -> Sequence[Grade]:
        return await grade(task, answer, sandbox=sandbox, prompt=prompt)

    return graded


class _ProgressLines:
    """A line that is overwritten in a terminal, and a line for each tenth elsewhere."""

    def __init__(self) -> None:
        self._told = -1

    def tell(self, progress: Progress) -> None:
        tenth = progress.done * 10 // max(1, progress.of)
        if not sys.stderr.isatty() and tenth == self._told:
            return
        self._told = tenth
        cost = "" if progress.spent_micro_usd is None else f", {progress.spent_micro_usd / 1e6:.4f} USD so far"
        left = "" if progress.left_micro_usd is None else f", about {progress.left_micro_usd / 1e6:.4f} USD to go"
        end = "\n" if not sys.stderr.isatty() or progress.done == progress.of else "\r"
        print(f"{progress.done} of {progress.of} answers{cost}{left}", end=end, file=sys.stderr, flush=True)
