"""The headers of the store's steps: each step says what it takes, which keys it touches, what it gives, and what a late call does.

The headers are compared with the Lua below them and with what Python sends.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

import openclaw_core.store
from openclaw_core.records import EffectKind, JobStage, NoticeKind, ResultKind
from openclaw_core.store import Became
from openclaw_core.store.agent_work import wire
from openclaw_core.store.client import Rights, source
from openclaw_core.store.displays import _NOTICE_FIELDS, TASK_FIELDS
from openclaw_core.store.effects import ActLink
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.timings import Part, Timing
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack
from tests.core.repeated_steps import EFFECTS, UNFENCED, a_story, steps_of
from tests.core.store_story import told
from tests.core.store_world import EFFECT_CLASSES, World

BOTH: tuple[Rights, ...] = ("leader", "agent")
STORE = Path(openclaw_core.store.__file__).parent
PARTS = re.compile(
    r"^(?P<does>.+?)\nArguments: (?P<arguments>.+?)\nKeys: (?P<keys>.+?)(?:\nResult: (?P<result>.+?)\nLate or twice: (?P<late>.+?))?$", re.S
)  # fmt: skip
DOOR = {"fix_type", "fix_task", "fix_chat", "mend", "led"}
"""What every step of the leader may do, as the header of the whole script says."""
NAMED_AT_RUN_TIME = {
    "admit": {"inbox", "control"},
    "handle": {"inbox", "control"},
    "move_chat": {"later"},
    "move": {"later"},
}
"""Keys whose names stand in a variable of the Lua."""
ELSEWHERE = {"reconcile": {"max_handbacks"}, "end_alone": {"max_handbacks", "secret", "timings"}, "claim": {"run"}}
"""Arguments of functions that the step shares with others: on a path that it does not take, or set by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    does: str
    arguments: str
    keys: str
    result: str | None
    late: str | None

    @property
    def takes(self) -> dict[str, bool]:
        """By the name of an argument: whether it has to be there."""
        plain = re.sub(r" \([^)]*\)", "", self.arguments)
        return {
            name.rstrip("?"): not one.endswith("?") and " or " not in one
            for one in plain.split(", ")
            for name in one.split(" or ")
        }

    def touches(self, others: Mapping[str, "Header"]) -> set[str]:
        """Names of keys; "as `x`" stands for those of another step."""
        found: set[str] = set()
        for name in re.findall(r"as `(\w+)`", self.keys):
            found |= others[name].touches(others)
        plain = re.sub(r"as `\w+`|and any key.*|and those.*|\breads\b|\bwrites\b", "", self.keys)
        return found | set(re.findall(r"[\w.:]+", plain))


def headers(rights: Rights) -> dict[str, Header]:
    found = {}
    for comment, name in re.findall(r"((?:^--[^\n]*\n)+)function (?:ops|effects)\.(\w+)\(", source(rights), re.M):
        text = re.sub(r"(?m)^-- ?", "", comment).strip()
        parts = PARTS.match(re.sub(r"\n(?!Arguments:|Keys:|Result:|Late or twice:)", " ", text))
        assert parts, f"{name} needs a header as {STORE}/lua/shared/0_head.lua says"
        found[name] = Header(**parts.groupdict())
    return found


def functions(rights: Rights) -> dict[str, str]:
    """The Lua functions by name, without comments. A function ends with an `end` at the beginning of a line, or is one line."""
    found, name = {}, ""
    for line in re.sub(r"--.*", "", source(rights)).split("\n"):
        begins = re.match(r"(?:local )?function ([\w.]+)\(|(\w+) = function\(", line)
        if begins:
            name = begins[1] or begins[2]
            found[name] = ""
        if name:
            found[name] += line + "\n"
        if line.startswith("end") or (begins and line.rstrip().endswith("end")):
            name = ""
    return found


def reached(functions: Mapping[str, str], name: str, seen: set[str] | None = None) -> str:
    """The text of a function and of all that it calls."""
    seen = set() if seen is None else seen
    if name in seen or name in DOOR or name not in functions:
        return ""
    seen.add(name)
    called = re.findall(r"\b((?:effects\.)?\w+)\(", functions[name])
    return functions[name] + "".join(reached(functions, one, seen) for one in called)


def fence(name: str, text: str) -> set[str]:
    """The epoch is a key and an argument of all that asks who leads; a task alone has a start instead."""
    return {"epoch"} if "led()" in text and name != "end_alone" else set()


@pytest.mark.parametrize("rights", BOTH)
def test_every_step_and_effect_has_a_header(rights: Rights) -> None:
    known = headers(rights)
    assert known.keys() == steps_of(rights) | (EFFECTS if rights == "leader" else set())
    for step in steps_of(rights):
        assert known[step].result, step
        assert known[step].late, step
        fenced = {"epoch", "alone"} if rights == "leader" else {"run"}
        assert fenced & known[step].takes.keys() or step in UNFENCED, step


def test_python_calls_the_steps_that_the_scripts_have_and_no_other() -> None:
    python = "\n".join(file.read_text() for file in STORE.glob("*.py"))
    called = set(re.findall(r'\.step\(\s*"(\w+)"|\(\s*"(\w+)",\s*\{', python))
    assert {one or other for one, other in called} == steps_of("leader") | steps_of("agent")


@pytest.mark.parametrize("rights", BOTH)
def test_a_header_names_the_keys_that_its_step_touches(rights: Rights) -> None:
    lua, known = functions(rights), headers(rights)
    for name, header in known.items():
        step = name in steps_of(rights)
        text = reached(lua, f"ops.{name}" if step else f"effects.{name}")
        touched = {
            ("agent:" if area == "A" else "") + key for area, key in re.findall(r"\b([PA]) \.\. '([\w.]+)", text)
        }
        touched |= NAMED_AT_RUN_TIME.get(name, set()) | fence(name, text)
        assert header.touches(known) == touched, name


@pytest.mark.parametrize("rights", BOTH)
def test_a_header_names_the_arguments_that_its_step_reads(rights: Rights) -> None:
    lua, known = functions(rights), headers(rights)
    for name in steps_of(rights):
        texts = [f"ops.{name}", *(f"effects.{effect}" for effect in EFFECTS if name == "handle")]
        text = "".join(reached(lua, one) for one in texts)
        wanted = set(re.findall(r"\ba\.(\w+)", text)) | fence(name, text)
        assert known[name].takes.keys() - {"alone"} == wanted - {"alone"} - ELSEWHERE.get(name, set()), name


def names_of(kind: type[Any]) -> set[str]:
    """Names of the fields of a class of effects, as Lua reads them."""
    renamed = {"old": "from", "new": "to"}
    found = {renamed.get(one.name, one.name) for one in fields(kind)}
    return found - {"link"} | (names_of(ActLink) if "link" in found else set())


READ_OF_EACH = {"chat", "thread", "heard", "heard_of"}
"""Fields that the step `handle` reads of whatever effect has them."""
SET_BY_LUA = {
    "stop": {"args", "id", "text"},
    "pair_decide": {"id", "text"},
    "vote": {"id", "text"},
    "edited": {"args", "kind"},
    "file": {"args"},
    "retry": {"args", "kind"},
}
"""Fields that an effect gives itself before it calls a function that it shares with others."""


def test_lua_reads_the_fields_of_effects_that_python_sends() -> None:
    lua = functions("leader")
    links = set()
    for effect in EFFECT_CLASSES:
        kind = effect.kind_of_effect
        text = reached(lua, f"effects.{kind}")
        read = set(re.findall(r"\be\.(\w+)", text)) - {"op"}
        if "add_notice(e.key, e)" in text:
            read |= set(re.findall(r"\bn\.(\w+)", lua["add_notice"]))
        assert read - names_of(effect) - READ_OF_EACH == SET_BY_LUA.get(kind, set()) - names_of(effect), kind
        assert names_of(effect) - read <= READ_OF_EACH | names_of(ActLink), kind
        links |= read & names_of(ActLink)
        assert headers("leader")[kind].arguments == f"`{effect.__name__}`"
    assert links == names_of(ActLink)


def test_kinds_are_the_same_in_both_languages() -> None:
    kinds = re.findall(r"^function effects\.(\w+)", source("leader"), re.M)
    assert sorted(kinds) == sorted(EffectKind) == sorted(one.kind_of_effect for one in EFFECT_CLASSES)
    notices = re.findall(r"\bkind = '(\w+)'", source("leader"))
    assert set(notices) - {"answered"} <= set(NoticeKind)
    results = re.findall(r"\bkind == '(\w+)'", functions("leader")["carried_out"])
    assert set(results) == set(ResultKind)
    stages = re.findall(r"set_job\(.*", source("leader") + source("agent"))
    assert {stage for stage in JobStage if not any(f"'{stage} '" in line for line in stages)} == set()
    assert {one for one in Became if f"'{one}'" not in functions("leader")["ops.adopt"]} == set()


def test_lua_reads_the_fields_of_results_that_agents_write() -> None:
    results = (
        Answered(markdown="", usage=RunUsage(), timings=(Timing(part=Part.LOAD, at_ms=0),)),
        GaveUp(cause=Cause.CRASH),
        HandedBack(),
        PutBack(),
    )
    written = {name for result in results for name in wire(result)}
    assert set(re.findall(r"\bresult\.(\w+)", source("leader"))) - {"err"} == written
    assert set(re.findall(r"\bresult\.(\w+)", source("agent"))) <= written


def test_python_reads_the_fields_that_lua_writes() -> None:
    lua = functions("leader")
    copied = re.search(r"local names = \{(.*?)\}", lua["record_run"], re.S)
    assert copied
    added = {"task", "ended_ms", "through_ms", "micro_usd"}
    assert all(f"'{name}'" in lua["record_run"] for name in added)
    assert set(re.findall(r"\w+", copied[1])) - {"chat"} | added == RunRecord.__dataclass_fields__.keys()
    for name in (*TASK_FIELDS, *_NOTICE_FIELDS):
        field = re.sub(r"\d+$", "", name)
        assert re.search(rf"'{field}'", source("leader")), name


async def test_python_sends_what_the_headers_name(world: World, redis_url: str) -> None:
    async with a_story(world, redis_url) as story:
        story.repeats = False
        await told(world)
    known = {rights: headers(rights) for rights in BOTH}
    sent: dict[tuple[Rights, str], set[str]] = {}
    for rights, step, args in story.calls:
        takes, given = known[rights][step].takes, {name for name, value in args.items() if value is not None}
        assert given <= takes.keys(), f"{step} reads no {given - takes.keys()}"
        missing = {name for name, needed in takes.items() if needed} - given
        assert not missing, f"{step} needs {missing}"
        sent.setdefault((rights, step), set()).update(given)
    python = "\n".join(file.read_text() for file in STORE.glob("*.py"))
    for (rights, step), names in sent.items():
        for name in known[rights][step].takes.keys() - names:  # optional, and the story has no such call
            assert re.search(rf'\b{name}=|"{name}":', python), f"nobody sends {name} to {step}"
