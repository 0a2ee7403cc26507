"""Roles and prompts: the shipped ones are sound, and a wrong file says where, why and what to do."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from openclaw_core.errors import SettingsError
from openclaw_core.ports import ModelAt
from openclaw_core.roles import check
from openclaw_core.roles.file import json_schema
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.tasks.task import read_snapshot, snapshot_json

BASE = Path(__file__).parents[2] / "platform/openclaw/base"

SMALL = """\
request_max_tokens: 8000
default: writer
models:
  maker/big:
    context_tokens: 131072
    tools: [browser_search]
    usd_per_mtok: {input: 1.5, output: 6.0}
  maker/small:
    context_tokens: 131072
    strict_schema: true
router:
  models: [maker/small]
  prompt: router.md
roles:
  writer:
    command: write
    emoji: "✍"
    titles: {en: Writer, he: כותב}
    descriptions: {en: Writes, he: כותב דברים}
    when: anything
    prompt: writer.md
    models: [maker/big, maker/small]
    tools: [browser_search]
    max_answer_tokens: 2000
    history_tokens: 3000
  reader:
    command: read
    emoji: "👌"
    titles: {en: Reader, he: קורא}
    descriptions: {en: Reads, he: קורא דברים}
    when: reading
    prompt: reader.md
    models: [maker/small]
    max_answer_tokens: 2000
    history_tokens: 3000
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "prompts").mkdir()
    (tmp_path / "config/roles.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "prompts/router.md").write_text("Pick one of:\n{roles}\n", encoding="utf-8")
    (tmp_path / "prompts/writer.md").write_text("You write.", encoding="utf-8")
    (tmp_path / "prompts/reader.md").write_text("You read.", encoding="utf-8")
    return tmp_path


def faults(folder: Path) -> list[str]:
    """What loading says is wrong, one line for each, without the folder."""
    with pytest.raises(SettingsError) as caught:
        check.load_roles(folder)
    head, *lines = str(caught.value).splitlines()
    assert head == "wrong roles or prompts:"
    return [line.strip().removeprefix(f"{folder}/") for line in lines]


# ---- the shipped ones


def test_shipped_roles_load_and_know_their_commands_in_both_languages() -> None:
    shipped = check.load_roles(BASE)

    assert all(role.titles["he"] and role.titles["en"] for role in shipped.roles.values())
    assert all(f"- {role.name}: {role.when}" in shipped.router.prompt for role in shipped.roles.values())


def test_schema_file_is_the_one_that_loading_checks_and_editors_find_it() -> None:
    file = BASE / "config/roles.schema.json"

    assert json.loads(file.read_text(encoding="utf-8")) == json_schema(), (
        "write it anew: python -m openclaw_core.roles.file > platform/openclaw/base/config/roles.schema.json"
    )
    first_line = (BASE / "config/roles.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first_line == "# yaml-language-server: $schema=roles.schema.json"


def test_schema_is_valid_and_accepts_the_shipped_roles() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load((BASE / "config/roles.yaml").read_text("utf-8")))


# ---- a sound file


def test_values_come_from_the_file(folder: Path) -> None:
    loaded = check.load_roles(folder)

    writer = loaded.roles["writer"]
    assert (loaded.default, writer.prompt, writer.models) == ("writer", "You write.", ("maker/big", "maker/small"))
    assert (writer.titles["he"], writer.tools, writer.template) == ("כותב", ("browser_search",), "agent")
    assert loaded.router.prompt == "Pick one of:\n- writer: anything\n- reader: reading"


def test_cached_tokens_without_a_price_of_their_own_cost_like_others(folder: Path) -> None:
    assert check.load_roles(folder).models["maker/big"].cached_usd_per_mtok == 1.5


def test_a_model_may_have_a_last_day_which_is_a_date(folder: Path) -> None:
    file = folder / "config/roles.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("  maker/small:\n", "  maker/small:\n    ends: 2027-01-31\n"), encoding="utf-8")
    models = check.load_roles(folder).models
    assert (models["maker/small"].ends, models["maker/big"].ends) == (date(2027, 1, 31), None)
    file.write_text(text.replace("  maker/small:\n", "  maker/small:\n    ends: soon\n"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"models\.maker/small\.ends"):
        check.load_roles(folder)


def test_a_model_may_name_a_provider_and_the_id_that_it_has_there(folder: Path) -> None:
    elsewhere = "  maker/small:\n    provider: openrouter\n    id: maker/tiny\n"
    file = folder / "config/roles.yaml"
    file.write_text(file.read_text("utf-8").replace("  maker/small:\n", elsewhere), encoding="utf-8")
    loaded = check.load_roles(folder)

    at = ModelAt(name="maker/small", provider="openrouter", id="maker/tiny")
    assert loaded.models["maker/small"].at == at
    assert loaded.models["maker/big"].at == ModelAt(name="maker/big", id="maker/big")
    snapshot = snapshot_of(loaded.roles["writer"])
    assert read_snapshot(json.loads(snapshot_json(snapshot))) == snapshot
    assert (snapshot.at("maker/small"), snapshot.at("maker/big").provider) == (at, "")
    assert snapshot_of(loaded.roles["writer"], model_override="mine").elsewhere == ()


def test_an_order_says_nothing_of_providers_unless_its_models_name_one(folder: Path) -> None:
    assert "elsewhere" not in json.loads(snapshot_json(snapshot_of(check.load_roles(folder).roles["writer"])))


def test_tools_of_our_own_stand_in_the_snapshot_beside_those_of_the_server(folder: Path) -> None:
    """A reader of the release before takes `tools` for tools of the server, and drops the other fields."""
    text = SMALL.replace(
        "tools: [browser_search]\n    max", "tools: [web_search, open_page]\n    max_steps: 3\n    max"
    )
    (folder / "config/roles.yaml").write_text(text.replace("8000", "15000"), encoding="utf-8")
    loaded = check.load_roles(folder)

    snapshot = snapshot_of(loaded.roles["writer"])
    assert (snapshot.tools, snapshot.functions, snapshot.max_steps) == ((), ("web_search", "open_page"), 3)
    assert snapshot.results_tokens == 15000 - 2000 - 3000 - 3
    stored = json.loads(snapshot_json(snapshot))
    assert read_snapshot(stored) == snapshot
    assert stored["tools"] == []
    without = snapshot_json(snapshot_of(loaded.roles["reader"]))
    assert not {"functions", "max_steps", "results_tokens"} & json.loads(without).keys()


def test_models_that_see_stand_in_the_snapshot_of_their_roles(folder: Path) -> None:
    file = folder / "config/roles.yaml"
    file.write_text(SMALL.replace("  maker/small:\n", "  maker/small:\n    vision: true\n"), encoding="utf-8")
    writer = check.load_roles(folder).roles["writer"]

    snapshot = snapshot_of(writer)
    assert (snapshot.models, snapshot.seeing) == (("maker/big", "maker/small"), ("maker/small",))
    assert read_snapshot(json.loads(snapshot_json(snapshot))) == snapshot
    # What the one model of a local server sees is not known, and the built-in one sees nothing.
    assert snapshot_of(writer, model_override="mine").seeing == snapshot_of(writer, demo=True).seeing == ()
    file.write_text(SMALL, encoding="utf-8")
    assert "seeing" not in json.loads(snapshot_json(snapshot_of(check.load_roles(folder).roles["writer"])))


def test_model_without_a_price_has_none(folder: Path) -> None:
    assert check.load_roles(folder).models["maker/small"].input_usd_per_mtok is None


def test_prompts_stay_out_of_reprs(folder: Path) -> None:
    assert "You write" not in repr(check.load_roles(folder))


# ---- wrong files

YAML = "config/roles.yaml"
WRONG: list[Any] = [
    ("    command: write\n", "    comand: write\n", f"{YAML}:16: unknown key `roles.writer.comand`: did you mean `command`?"),
    ("    command: write\n", "", f"{YAML}:15: `roles.writer.command` is missing: add it."),
    ("    command: write\n", "    command: Write\n", f"{YAML}:16: `roles.writer.command`: string should match"),
    ("    command: read\n", "    command: write\n", f"{YAML}:27: /write is already the command of `writer`: choose another"),
    ("    command: read\n", "    command: stop\n", f"{YAML}:27: /stop is a command of the bot itself: choose another"),
    ("  maker/big:\n", "  maker/big:\n    provider: nobody\n", f"{YAML}:5: `models.maker/big.provider`: input should be 'groq', 'openai',"),
    ("  maker/big:\n", "  maker/big:\n    provider: ollama\n", f"{YAML}:7: Ollama has no such built-in tools: take them away"),
    ("default: writer", "default: poet", f"{YAML}:2: the default role `poet` does not exist: name one of writer, reader"),
    ("[maker/big, maker/small]", "[maker/big, maker/gone]", f"{YAML}:22: the model `maker/gone` is not under `models`"),
    ("[maker/big, maker/small]", "[maker/big, maker/big]", f"{YAML}:22: the model `maker/big` is there twice: keep one"),
    ("[maker/big, maker/small]", "[]", f"{YAML}:22: `roles.writer.models`: list should have at least 1 item"),
    ("[maker/big, maker/small]", "[maker/small]", f"{YAML}:23: `maker/small` has no tool `browser_search`: take the tool away"),
    ("tools: [browser_search]\n    max", "tools: [web]\n    max", f"{YAML}:23: `roles.writer.tools.0`: input should be 'web_search'"),
    ("tools: [browser_search]\n    max", "tools: [open_page]\n    max", f"{YAML}:23: prompt, history_tokens and max_answer_tokens leave 2997 of request_max_tokens for results of tools"),
    ("tools: [browser_search]\n    max", "tools: [open_page, browser_search]\n    max", f"{YAML}:23: no server is known to take browser_search and open_page in one request"),
    ("tools: [browser_search]\n    max", "tools: [web_search]\n    max", f"{YAML}:23: web_search finds pages and opens none: add open_page"),
    ("tools: [browser_search]\n    max", "tools: [open_page, open_page]\n    max", f"{YAML}:23: the tool `open_page` is there twice: keep one"),
    ("tools: [browser_search]\n    max", "max_steps: 3\n    max", f"{YAML}:23: it counts for tools that agents run alone: take it away"),
    ("tools: [browser_search]\n    max", "tools: [open_page]\n    max_steps: 21\n    max", f"{YAML}:24: `roles.writer.max_steps`: input should be less than or equal to 20"),
    ("  models: [maker/small]\n  prompt", "  models: [maker/big]\n  prompt", f"{YAML}:12: `maker/big` has no strict schema"),
    ("prompt: writer.md", "prompt: poet.md", f"{YAML}:21: the prompt "),
    ("prompt: writer.md", "prompt: ../secret.md", f"{YAML}:21: `roles.writer.prompt`: string should match"),
    ("max_answer_tokens: 2000\n    history_tokens: 3000\n  reader", "max_answer_tokens: 5000\n    history_tokens: 3000\n  reader", f"{YAML}:24: prompt (about 3), history_tokens and max_answer_tokens are 8003 tokens together"),
    ("max_answer_tokens: 2000\n    history_tokens: 3000\n  reader", "max_answer_tokens: many\n    history_tokens: 3000\n  reader", f"{YAML}:24: `roles.writer.max_answer_tokens`: input should be a valid integer"),
    ("    prompt: writer.md", "    template: Agent_1\n    prompt: writer.md", f"{YAML}:21: `roles.writer.template`: string should match"),
    ("    when: anything\n", "    when: |\n      any\n      thing\n", f"{YAML}:20: `roles.writer.when`: string should match"),
    ("titles: {en: Writer, he: כותב}", "titles: {en: Writer}", f"{YAML}:18: `roles.writer.titles.he` is missing"),
    ("  reader:\n", "  writer:\n", f"{YAML}:26: `writer` is there twice (first in line 15): keep one"),
    ("  reader:\n", "  Read-er:\n", f"{YAML}:26: `roles.Read-er`: string should match"),
    ("  reader:\n", "  7:\n", f"{YAML}:26: a key must be text: put it in quotes"),
    ("    when: reading\n", "    when: [reading\n", f"{YAML}:32: not valid YAML"),
    ("    when: reading\n", "\twhen: reading\n", f"{YAML}:31: not valid YAML"),
    ("    when: reading\n", "    when: \x07\n", f"{YAML}:1: not valid YAML"),
    ("    when: reading\n", "    when: &a [*a]\n", f"{YAML}:31: an alias that contains itself"),
    (SMALL, "- a list\n", f"{YAML}:1: the file must hold the keys default, models, router and roles"),
    (SMALL, "", f"{YAML}:1: the file must hold the keys default, models, router and roles"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), WRONG, ids=[case[2].partition(":")[2][:60] for case in WRONG])
def test_wrong_file_is_refused_with_line_reason_and_what_to_do(folder: Path, old: str, new: str, expected: str) -> None:
    assert SMALL.count(old) == 1
    (folder / YAML).write_text(SMALL.replace(old, new), encoding="utf-8")

    found = faults(folder)

    assert any(line.startswith(expected) for line in found), found


def test_all_faults_are_told_together_in_the_order_of_the_lines(folder: Path) -> None:
    wrong = SMALL.replace("default: writer", "default: poet").replace("command: read", "command: help")
    (folder / YAML).write_text(wrong, encoding="utf-8")
    (folder / "prompts/reader.md").write_text(" \n", encoding="utf-8")

    assert [line.split(": ")[0] for line in faults(folder)] == [f"{YAML}:2", f"{YAML}:27", "prompts/reader.md:1"]


def test_missing_file_says_so(folder: Path) -> None:
    (folder / YAML).unlink()

    assert faults(folder) == [f"{YAML}:1: the file is missing: restore it, or say where the folder is (ROLES_DIR)"]


def test_file_that_is_not_utf8_is_refused(folder: Path) -> None:
    (folder / YAML).write_bytes(b"default: \xff")

    assert faults(folder) == [f"{YAML}:1: the file cannot be read: it must be UTF-8 text that this user may read"]


@pytest.mark.parametrize(
    ("prompt", "content", "reason"),
    [
        ("writer.md", b"", "the prompt is empty"),
        ("writer.md", b"word " * 1300, "the prompt has about 1625 tokens, the limit is 1500: shorten it"),
        ("writer.md", b"\xff\xfe", "the prompt cannot be read"),
        ("router.md", b"Pick one.", "{roles} is missing"),
        ("router.md", b"{roles}" + b" word" * 300, "the prompt with the list of roles has about "),
    ],
)
def test_wrong_prompt_is_refused_with_its_file(folder: Path, prompt: str, content: bytes, reason: str) -> None:
    (folder / "prompts" / prompt).write_bytes(content)

    assert [line for line in faults(folder) if line.startswith(f"prompts/{prompt}:1: {reason}")]


def test_faults_never_repeat_a_prompt(folder: Path) -> None:
    (folder / "prompts/writer.md").write_text("marker-7f3a " * 900, encoding="utf-8")

    assert "marker-7f3a" not in "".join(faults(folder))


# ---- a prompt that is tried


def with_canary(folder: Path, canary: str, text: str = "You write well.") -> None:
    config = folder / "config/roles.yaml"
    config.write_text(
        SMALL.replace("    prompt: writer.md\n", f"    prompt: writer.md\n    canary: {canary}\n"), "utf-8"
    )
    (folder / "prompts/writer-next.md").write_text(text, encoding="utf-8")


def test_a_role_may_try_another_prompt_in_a_part_of_the_chats(folder: Path) -> None:
    with_canary(folder, "{prompt: writer-next.md, percent: 5}")
    role = check.load_roles(folder).roles["writer"]
    assert role.canary is not None
    assert (role.prompt, role.canary.prompt, role.canary.percent) == ("You write.", "You write well.", 5)
    assert check.load_roles(folder).roles["reader"].canary is None


@pytest.mark.parametrize(
    ("canary", "text", "reason"),
    [
        ("{prompt: writer-next.md, percent: 5}", "You write.", "the same as the role's own prompt"),
        ("{prompt: missing.md, percent: 5}", "x", "is missing: write it"),
        ("{prompt: writer-next.md, percent: 5}", "word " * 3000, "the limit is 1500: shorten it"),
        ("{prompt: writer-next.md, percent: 0}", "x", "greater than 0"),
        ("{prompt: writer-next.md, percent: 60}", "x", "less than or equal to 50"),
    ],
)
def test_a_wrong_canary_says_why(folder: Path, canary: str, text: str, reason: str) -> None:
    with_canary(folder, canary, text)
    assert any(reason in line for line in faults(folder)), faults(folder)
