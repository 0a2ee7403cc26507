"""The file of budgets: what it says, what is refused with a place and a remedy, when days begin, and what an answer can cost at most."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from openclaw_core.budgets.check import load_budgets
from openclaw_core.budgets.estimates import recordings_spend, role_estimate, routing_spend, steps_within, task_estimate
from openclaw_core.budgets.file import json_schema
from openclaw_core.budgets.values import Budgets, Limit, Period, Room, Scope, Spend, ToolPrices, Unit
from openclaw_core.errors import SettingsError
from openclaw_core.ports import Usage
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.values import Canary, Roles
from openclaw_core.tasks.task import Attachment
from tests.core.store_world import task

BASE = Path(__file__).parents[2] / "platform/openclaw/base"
YAML = "config/budgets.yaml"


@pytest.fixture
def roles() -> Roles:
    return load_roles(BASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(BASE, tmp_path / "base")


def loaded(folder: Path, text: str, roles: Roles) -> Budgets:
    (folder / YAML).write_text(text, encoding="utf-8")
    return load_budgets(folder, roles)


def test_the_shipped_file_sets_no_limit_and_its_example_is_a_sound_one(folder: Path, roles: Roles) -> None:
    shipped = load_budgets(BASE, roles)
    assert (shipped.limits, shipped.zone_name, shipped.prices.search_micro_usd) == ((), "UTC", 0)
    assert round(shipped.prices.recording_micro_usd_per_s * 3600) == 111_000

    text = (BASE / YAML).read_text(encoding="utf-8")
    example = "\n".join(line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   "))
    assert {f"{one.scope} {one.period} {one.unit}" for one in loaded(folder, example, roles).limits} == {
        "all month micro_usd", "chat day micro_usd", "user day tokens", "user month micro_usd",
    }  # fmt: skip


def test_schema_file_is_the_one_that_loading_checks_and_editors_find_it() -> None:
    file = BASE / "config/budgets.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == json_schema(), (
        "write it anew: python -m openclaw_core.budgets.file > platform/openclaw/base/config/budgets.schema.json"
    )
    text = (BASE / YAML).read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=budgets.schema.json"
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(text))


def test_limits_are_integers_of_a_millionth_of_a_dollar(folder: Path, roles: Roles) -> None:
    text = "user:\n  day: {usd: 0.1, tokens: 5}\nprices: {search_usd_per_1000: 5, recording_usd_per_hour: 0.036}\n"
    budgets = loaded(folder, text, roles)

    assert budgets.limits == (
        Limit(scope=Scope.USER, period=Period.DAY, unit=Unit.TOKENS, amount=5),
        Limit(scope=Scope.USER, period=Period.DAY, unit=Unit.MICRO_USD, amount=100_000),
    )
    assert budgets.by_field() == {"user:day:tokens": 5, "user:day:micro_usd": 100_000}
    assert budgets.prices == ToolPrices(search_micro_usd=5000, recording_micro_usd_per_s=10)


def test_without_the_file_there_is_no_limit(folder: Path, roles: Roles) -> None:
    (folder / YAML).unlink()
    assert load_budgets(folder, roles) == Budgets()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("user:\n  day: {usd: 0}\n", r"budgets.yaml:2: `user.day.usd`: input should be greater than 0"),
        ("user:\n  day: {tokens: 1.5}\n", r"budgets.yaml:2: `user.day.tokens`: .*integer"),
        ("users:\n  day: {usd: 1}\n", r"budgets.yaml:1: unknown key `users`: did you mean `user`\?"),
        ("user:\n  week: {usd: 1}\n", r"budgets.yaml:2: unknown key `user.week`: known here: day, month"),
        ("user:\n  day: {usd: 1}\n  day: {usd: 2}\n", r"budgets.yaml:3: `day` is there twice"),
        ("time_zone: Mars/Olympus\n", r"budgets.yaml:1: there is no time zone `Mars/Olympus`: take UTC"),
        ("time_zone: ../../etc/passwd\n", r"budgets.yaml:1: there is no time zone"),
        ("all:\n  day: {usd: 9}\n  month: {usd: 5}\n", r"budgets.yaml:3: the month's limit of `all` is lower than the day's"),
        ("- a list\n", r"budgets.yaml:1: the file must hold the keys time_zone, all, chat, user and prices"),
        ("a: [\n", r"budgets.yaml:2: not valid YAML"),
    ],
)  # fmt: skip
def test_a_fault_has_a_place_and_a_remedy(folder: Path, roles: Roles, text: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        loaded(folder, text, roles)


def test_a_limit_in_dollars_needs_the_prices_of_the_models_in_use_and_one_in_tokens_does_not(
    folder: Path, roles: Roles
) -> None:
    name = roles.roles["coder"].models[0]
    unpriced = replace(roles, models={**roles.models, name: replace(roles.models[name], input_usd_per_mtok=None)})
    with pytest.raises(SettingsError, match=rf"budgets.yaml:2: a limit in dollars needs prices.*{name}"):
        loaded(folder, "user:\n  day: {usd: 1}\n", unpriced)
    assert loaded(folder, "user:\n  day: {tokens: 9}\n", unpriced).limits


@pytest.mark.parametrize(
    ("zone", "at", "day", "month", "next_day", "next_month"),
    [
        ("UTC", "2026-11-30T23:59:59", "2026-11-30", "2026-11", "2026-12-01 00:00 UTC", "2026-12-01 00:00 UTC"),
        ("UTC", "2026-12-31T00:00:00", "2026-12-31", "2026-12", "2027-01-01 00:00 UTC", "2027-01-01 00:00 UTC"),
        ("UTC", "2028-01-31T12:00:00", "2028-01-31", "2028-01", "2028-02-01 00:00 UTC", "2028-02-01 00:00 UTC"),
        ("Asia/Jerusalem", "2026-11-30T22:00:00", "2026-12-01", "2026-12", "2026-12-02 00:00 Asia/Jerusalem", "2027-01-01 00:00 Asia/Jerusalem"),
        ("America/New_York", "2026-11-01T05:30:00", "2026-11-01", "2026-11", "2026-11-02 00:00 America/New_York", "2026-12-01 00:00 America/New_York"),
    ],
)  # fmt: skip
def test_days_and_months_begin_at_midnight_of_the_time_zone(
    folder: Path, roles: Roles, zone: str, at: str, day: str, month: str, next_day: str, next_month: str
) -> None:
    now_s = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
    calendar = loaded(folder, f"time_zone: {zone}\n", roles).calendar(now_s)
    assert (calendar.day, calendar.month) == (day, month)
    assert (calendar.next_day, calendar.next_month) == (next_day, next_month)


def test_the_most_that_an_answer_takes_is_all_steps_at_their_limits_by_the_dearest_model(roles: Roles) -> None:
    coder = replace(
        roles.roles["coder"], prompt="", history_tokens=999, results_tokens=1000, max_answer_tokens=500, max_steps=3
    )
    most = role_estimate(coder, roles.models, ToolPrices())
    assert most.tokens == 3 * (1 + 999 + 1000 + 500)
    assert most.micro_usd == 3 * (2000 * 0.80 + 500 * 4), "qwen's price"
    alone = role_estimate(replace(coder, functions=(), results_tokens=0), roles.models, ToolPrices())
    assert alone == Spend(tokens=1500, micro_usd=800 + 500 * 4)


def test_a_role_that_tries_a_longer_prompt_counts_with_that_one(roles: Roles) -> None:
    coder = replace(roles.roles["coder"], prompt="four", max_steps=1)
    trying = replace(coder, canary=Canary(prompt="four" * 100, percent=5))
    own, most = (role_estimate(one, roles.models, ToolPrices()) for one in (coder, trying))
    assert most.tokens - own.tokens == 99
    assert role_estimate(replace(coder, canary=Canary(prompt="", percent=5)), roles.models, ToolPrices()) == own


def test_a_role_that_is_not_known_yet_counts_as_the_dearest_and_routing_comes_on_top(roles: Roles) -> None:
    each = [task_estimate(roles, role=name, task=task(1), prices=ToolPrices()) for name in roles.roles]
    unknown = task_estimate(roles, role=None, task=task(1), prices=ToolPrices())
    assert unknown.tokens > max(one.tokens for one in each)
    assert unknown.micro_usd > max(one.micro_usd for one in each)


def test_a_server_that_lists_no_model_of_the_router_is_no_fault(roles: Roles) -> None:
    without = replace(roles, router=replace(roles.router, models=()))
    assert task_estimate(without, role=None, task=task(1), prices=ToolPrices()).micro_usd > 0
    assert routing_spend(Usage(prompt_tokens=3, answer_tokens=2), without) == Spend(tokens=5)


def test_pictures_count_in_each_step(roles: Roles) -> None:
    picture = Attachment(kind="picture", file_id="f")
    without, with_two = (
        task_estimate(roles, role="coder", task=replace(task(1), attachments=attachments), prices=ToolPrices())
        for attachments in ((), (picture, picture))
    )
    assert with_two.tokens - without.tokens == 6 * 2 * 1300


def test_an_answer_may_take_all_that_its_role_may_search(roles: Roles) -> None:
    researcher, priced = roles.roles["researcher"], ToolPrices(search_micro_usd=5000)
    without = role_estimate(researcher, roles.models, ToolPrices())
    assert role_estimate(researcher, roles.models, priced).micro_usd - without.micro_usd == 6 * 4 * 5000


def test_routing_is_paid_by_its_tokens_and_cached_ones_cost_less(roles: Roles) -> None:
    assert routing_spend(None, roles) == Spend()
    used = Usage(prompt_tokens=300, cached_tokens=100, answer_tokens=50)
    assert routing_spend(used, roles) == Spend(tokens=350, micro_usd=round(200 * 0.075 + 100 * 0.0375 + 50 * 0.30))


@pytest.mark.parametrize(
    ("seconds", "size_bytes", "paid_s"),
    [(0, 0, 10), (3, 9_000, 10), (60, 240_000, 60), (0, 120_000, 60), (1, 4_000_000, 100)],
    ids=["nothing is known", "shorter than is billed", "as Telegram says", "by its size", "a sender who lies"],
)
def test_a_recording_is_paid_by_its_length(seconds: int, size_bytes: int, paid_s: int) -> None:
    prices = ToolPrices(recording_micro_usd_per_s=10)
    voice = Attachment(kind="voice", file_id="f", size_bytes=size_bytes, seconds=seconds)
    file = Attachment(kind="file", file_id="f", size_bytes=10**6)
    one = replace(task(1), attachments=(voice, file))
    assert recordings_spend(one, prices) == Spend(micro_usd=10 * paid_s)


def test_as_many_steps_are_given_as_fit_into_every_limit_beside_what_is_spent_already(roles: Roles) -> None:
    researcher = roles.roles["researcher"]
    one = role_estimate(replace(researcher, max_steps=1), roles.models, ToolPrices())

    def steps(room: Room, *, spent: int = 0, **of_it: int) -> int:
        return steps_within(room, researcher, roles.models, ToolPrices(), known=Spend(tokens=spent), **of_it)

    assert steps(Room()) == researcher.max_steps
    assert steps(Room(tokens=3 * one.tokens)) == 3
    assert steps(Room(tokens=3 * one.tokens - 1)) == 2
    assert steps(Room(tokens=3 * one.tokens), spent=1) == 2
    assert steps(Room(tokens=5 * one.tokens, micro_usd=2 * one.micro_usd)) == 2
    assert steps(Room(tokens=0, micro_usd=0)) == 1
    assert steps(Room(tokens=0), least=2) == 2
    assert steps(Room(tokens=2 * one.tokens), pictures=1) == 1
    alone = replace(researcher, functions=())
    assert steps_within(Room(), alone, roles.models, ToolPrices(), known=Spend(), least=2) == 1
