"""Loads the tasks of `evals/`, each fault with file, line and what to do."""

import hashlib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from openclaw_cli.eval.answers.graders.citations import SourcesOpened
from openclaw_cli.eval.answers.task import AnswerTask, Check, HistoryTurn, MaterialFile, WebPage
from openclaw_cli.eval.answers.task_file import KINDS, SiteEntry, TaskFile
from openclaw_cli.eval.answers.yaml_lines import BadYaml, read_yaml_lines
from openclaw_core.roles.yaml_file import LineNumbers

__all__ = ["AnswerTask", "BadTasks", "Check", "HistoryTurn", "MaterialFile", "WebPage", "load_tasks"]

Checked = TypeVar("Checked", bound=BaseModel)
ROLES = ("coder", "researcher", "summarizer")
"""Folders of tasks. The others are `material` and `web`."""


class BadTasks(Exception):
    """Tasks cannot be used; the message has a line for each fault: file, line, field and what to do."""


def load_tasks(folder: Path) -> tuple[AnswerTask, ...]:
    """The tasks of *folder*, by id. Raises BadTasks naming every fault."""
    faults: list[str] = []
    web = _read_web(folder, faults)
    files = [file for role in ROLES for file in sorted((folder / role).glob("*.y*ml"))]
    found = [task for file in files if (task := _read_task(folder, file, web, faults)) is not None]
    if not files:
        faults.append(f"{folder}: holds no tasks; write one as {folder}/coder/NAME.yaml (docs/evals.md)")
    if faults:
        raise BadTasks("\n".join(faults))
    return tuple(sorted(found, key=lambda task: task.id))


def _read_web(folder: Path, faults: list[str]) -> dict[str, WebPage]:
    path = folder / "web/sites.yaml"
    if not path.exists():
        return {}
    try:
        data, lines = read_yaml_lines(path)
    except BadYaml as exc:
        faults.append(str(exc))
        return {}
    pages = {}
    for name, entry in data.items():
        place = f"{path}:{lines.of(name)}"
        site = _validated(SiteEntry, entry, f"`{name}`", path, lines, (name,), faults)
        body = _utf8(folder / "web" / f"{name}.html", place, faults)
        if site is not None and body is not None:
            pages[name] = WebPage(name=name, url=site.url, title=site.title, snippet=site.snippet, body=body)
    twice = {page.url for page in pages.values() if [one.url for one in pages.values()].count(page.url) > 1}
    faults += [f"{path}:1: {url} belongs to two pages; give one another address" for url in sorted(twice)]
    return pages


def _read_task(folder: Path, path: Path, web: dict[str, WebPage], faults: list[str]) -> AnswerTask | None:
    before = len(faults)
    try:
        data, lines = read_yaml_lines(path)
    except BadYaml as exc:
        faults.append(str(exc))
        return None
    if path.suffix != ".yaml":
        faults.append(f"{path}:1: a task's file ends in .yaml; rename it")
    task = _validated(TaskFile, data, "the task", path, lines, (), faults)
    if task is None:
        return None
    checks = _checks(task, path, lines, faults)
    files = [_material(folder, name, f"{path}:{lines.of('files', at)}", faults) for at, name in enumerate(task.files)]
    unknown = [(at, name) for at, name in enumerate(task.web) if name not in web]
    faults += [
        f"{path}:{lines.of('web', at)}: no page `{name}`; add it to evals/web/sites.yaml with {name}.html beside it"
        for at, name in unknown
    ]
    faults += _unknown_pages(task, checks, path, lines)
    if len(faults) > before:
        return None
    pages = tuple(web[name] for name in task.web)
    material = tuple(file for file in files if file is not None)
    return AnswerTask(
        id=f"{path.parent.name}/{path.stem}",
        role=path.parent.name,
        lang=task.lang,
        message=task.message.strip("\n"),
        history=tuple(HistoryTurn(user=turn.user, assistant=turn.assistant) for turn in task.history),
        files=material,
        web=pages,
        checks=checks,
        judge=tuple(task.judge),
        held_out=task.held_out,
        digest=_digest(path, material, pages),
    )


def _checks(task: TaskFile, path: Path, lines: LineNumbers, faults: list[str]) -> tuple[Check, ...]:
    checks: list[Check] = []
    for at, line in enumerate(task.holds):
        [(kind, arguments)] = line.items()
        if kind not in KINDS:
            known = ", ".join(KINDS)
            faults.append(f"{path}:{lines.of('holds', at)}: no grader `{kind}`; known here: {known}")
            continue
        if kind in {check.kind for check in checks}:
            faults.append(f"{path}:{lines.of('holds', at)}: `{kind}` is there twice; put its arguments together")
        given = {} if arguments is None else arguments
        value = _validated(KINDS[kind], given, kind, path, lines, ("holds", at, kind), faults)
        if value is not None:
            checks.append(Check(kind=kind, arguments=value))
    return tuple(checks)


def _unknown_pages(task: TaskFile, checks: tuple[Check, ...], path: Path, lines: LineNumbers) -> list[str]:
    """Pages that a check names and the task does not have."""
    named = [
        name
        for check in checks
        if isinstance(check.arguments, SourcesOpened)
        for name in (*check.arguments.cites, *check.arguments.cites_not)
    ]
    return [
        f"{path}:{lines.of('holds')}: sources_opened names `{name}`, which is not in `web`; add it there"
        for name in named
        if name not in task.web
    ]


def _material(folder: Path, name: str, place: str, faults: list[str]) -> MaterialFile | None:
    path = folder / "material" / name
    if not path.resolve().is_relative_to((folder / "material").resolve()):
        faults.append(f"{place}: `{name}` leads out of evals/material; put the file there")
        return None
    data = _utf8(path, place, faults)
    return None if data is None else MaterialFile(name=path.name, data=data)


def _utf8(path: Path, place: str, faults: list[str]) -> bytes | None:
    try:
        data = path.read_bytes()
        data.decode()
    except OSError:
        faults.append(f"{place}: {path} cannot be read; add the file")
        return None
    except UnicodeDecodeError:
        faults.append(f"{place}: {path} is not UTF-8 text; save it as that")
        return None
    return data


def _validated(
    kind: type[Checked],
    data: Any,
    what: str,
    path: Path,
    lines: LineNumbers,
    place: tuple[str | int, ...],
    faults: list[str],
) -> Checked | None:
    try:
        return kind.model_validate(data)
    except ValidationError as exc:
        for error in exc.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(map(str, error["loc"]))
            known = f"; known here: {', '.join(kind.model_fields)}" if error["type"] == "extra_forbidden" else ""
            said = f"{what}: `{where}`" if where else what
            faults.append(
                f"{path}:{lines.of(*place, *error['loc'])}: {said}: {error['msg'].removeprefix('Value error, ')}{known}"
            )
        return None


def _digest(path: Path, files: tuple[MaterialFile, ...], pages: tuple[WebPage, ...]) -> str:
    """Over the lengths too, so that no two sets of material have the same bytes in a row."""
    found = hashlib.sha256()
    parts = [path.read_bytes()]
    parts += [part for file in files for part in (file.name.encode(), file.data)]
    parts += [
        part for page in pages for part in (page.url.encode(), page.title.encode(), page.snippet.encode(), page.body)
    ]
    for part in parts:
        found.update(f"{len(part)}:".encode() + part)
    return found.hexdigest()
