"""The cost part of the comment on a pull request: machines, agents that wait, models; and what could not be reckoned."""

import shutil
import subprocess
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

import pytest
import yaml

from openclaw_core.roles.file import RoleEntry, RolesFile
from openclaw_gitops.__main__ import main
from openclaw_gitops.costs import (
    ALLOWED,
    ASSUMED,
    BUDGETS,
    MAX_STEPS,
    REQUEST_MAX_TOKENS,
    ROLES,
    Bill,
    allowed,
    bill,
    markdown,
    of_models,
    prices,
    waiting_gib,
)  # fmt: skip
from tests.gitops.conftest import ROOT

ASSUMPTIONS = yaml.safe_load((ROOT / ASSUMED).read_text())
LEAST, MOST = "machines and network, at least", "machines and network, all pools grown"
MODELS, WAITING = "models, 1,000 messages", "share of a worker that waiting agents hold"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for part in ("platform", "clusters", "terraform/environments"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def changed(tree: Path, path: str, old: str, new: str, env: Mapping[str, str]) -> dict[str, float]:
    """By how much each row of staging changes, those that do not left out."""
    file = tree / path
    text = file.read_text()
    assert old in text
    before = cost(ROOT, env)
    file.write_text(text.replace(old, new, 1))
    after = cost(tree, env)
    return {what: round(usd - before.usd[what], 2) for what, usd in after.usd.items() if usd != before.usd[what]}


def cost(root: Path, env: Mapping[str, str]) -> Bill:
    return bill(root, "staging", assumed=ASSUMPTIONS, of=prices(ROOT), env=env)


def test_one_more_worker_a_zone_costs_its_hours_and_its_disk(tree: Path, tools: Mapping[str, str]) -> None:
    found = changed(
        tree, "terraform/environments/staging/terraform.tfvars", "min_per_zone   = 1", "min_per_zone   = 2", tools
    )

    of = prices(ROOT)
    assert found == {LEAST: round(2 * (0.096 * of.HOURS + of.POOL_DISK_GIB * of.GP3_USD), 2)}


def test_agents_that_wait_hold_their_memory(tree: Path, tools: Mapping[str, str]) -> None:
    found = changed(
        tree, "platform/openclaw/overlays/staging/kustomization.yaml", "- WARM_AGENTS=2", "- WARM_AGENTS=6", tools
    )

    assert found == {WAITING: round(4 * 0.125 * prices(ROOT).gib_usd("t3.medium"), 2)}


def test_a_dearer_first_model_costs_by_the_messages_of_its_role(tree: Path, tools: Mapping[str, str]) -> None:
    roles = yaml.safe_load((tree / ROLES).read_text())
    first, dear = roles["roles"]["coder"]["models"][0], "qwen/qwen3.8-27b"
    tokens = ASSUMPTIONS["tokens"]["coder"]
    more = {
        kind: roles["models"][dear]["usd_per_mtok"][kind] - roles["models"][first]["usd_per_mtok"][kind]
        for kind in ("input", "output")
    }
    roles["roles"]["coder"]["models"] = [dear, first]
    before = cost(ROOT, tools).usd[MODELS]
    (tree / ROLES).write_text(yaml.safe_dump(roles))

    wanted = 1000 * tokens["share"] * (tokens["prompt"] * more["input"] + tokens["answer"] * more["output"]) / 1e6
    assert tokens["cached"] == 0
    assert cost(tree, tools).usd[MODELS] - before == pytest.approx(wanted)


def test_what_a_role_does_not_say_is_what_the_bot_takes() -> None:
    assert RoleEntry.model_fields["max_steps"].default == MAX_STEPS
    assert RolesFile.model_fields["request_max_tokens"].default == REQUEST_MAX_TOKENS


AT_LIMITS = "the same, each at the limits of its role in `roles.yaml`"


@pytest.mark.parametrize(
    ("old", "new", "more_usd"),
    [
        # gpt-oss-20b of the Summarizer, a fifth of 1,000 messages: two more steps of 14,800 and 1,200 tokens.
        ("max_steps: 10", "max_steps: 12", 200 * 2 * (14_800 * 0.075 + 1_200 * 0.30) / 1e6),
        # Its answers: 400 tokens of each of ten requests are paid as those of an answer.
        ("max_answer_tokens: 1200", "max_answer_tokens: 1600", 200 * 10 * 400 * (0.30 - 0.075) / 1e6),
        # All roles: six steps, six, and ten.
        ("request_max_tokens: 16000", "request_max_tokens: 17000", (500 * 6 * 0.15 + 300 * 6 * 0.15 + 200 * 10 * 0.075) / 1e3),
    ],
)  # fmt: skip
def test_a_limit_of_a_role_shows_what_it_lets_messages_cost(
    tree: Path, tools: Mapping[str, str], old: str, new: str, more_usd: float
) -> None:
    assert changed(tree, str(ROLES), old, new, tools) == {AT_LIMITS: round(more_usd, 2)}


def test_a_budget_shows_what_all_may_spend(tree: Path, tools: Mapping[str, str]) -> None:
    file = tree / BUDGETS
    free = cost(tree, tools)
    file.write_text("all: {day: {usd: 2}}\n")
    by_day = cost(tree, tools)
    file.write_text("all: {day: {usd: 2}, month: {usd: 50}}\n")
    by_month = cost(tree, tools)
    file.write_text("all: {month: {tokens: 5}}\n")

    assert allowed(file) == allowed(tree / "none.yaml") == free.usd[ALLOWED] == inf
    assert (by_day.usd[ALLOWED], by_month.usd[ALLOWED]) == (62, 50)
    assert f"| {ALLOWED} | no limit | 62.00 | from no limit to 62.00 |" in markdown("staging", free, by_day)
    assert f"| {ALLOWED} | 62.00 | 50.00 | -12.00 |" in markdown("staging", by_day, by_month)


def test_an_untouched_tree_costs_what_it_did(tree: Path, tools: Mapping[str, str]) -> None:
    assert markdown("staging", cost(ROOT, tools), cost(tree, tools)) == "### Cost of staging: unchanged\n"


@pytest.mark.parametrize(("old", "what"), [('["t3.large"', "pool system"), ('["t3.medium"', "pool agents")])
def test_a_machine_without_a_price_is_named_with_its_file_and_the_rest_is_told(
    tree: Path, tools: Mapping[str, str], old: str, what: str
) -> None:
    file = tree / "terraform/environments/staging/terraform.tfvars"
    text = file.read_text()
    assert old in text, what
    file.write_text(text.replace(old, '["c7i.large"', 1))

    before, after = cost(ROOT, tools), cost(tree, tools)
    comment = markdown("staging", before, after)

    assert after.unpriced[0] == (
        "c7i.large of terraform/environments/staging/terraform.tfvars has no price: add it to `INSTANCE_USD` of scripts/infra-cost"
    )
    assert f"> {after.unpriced[0]}\n" in comment
    assert f"| {LEAST} | {before.usd[LEAST]:,.2f} | not known | not known |\n" in comment
    assert MODELS in after.usd
    assert (WAITING in after.usd) == (what == "pool system")
    assert any("INSTANCE_GIB" in one for one in after.unpriced) == (what == "pool agents")
    assert "unchanged" not in markdown("staging", after, after), "what is not known is not called unchanged"
    assert f"| {LEAST} | not known | {before.usd[LEAST]:,.2f} | not known |\n" in markdown("staging", after, before)


def test_the_script_prints_the_comment_and_fails(
    tree: Path, tools: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "scripts", tree / "scripts")
    for args in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", *args], cwd=tree, check=True)
    file = tree / "terraform/environments/staging/terraform.tfvars"
    file.write_text(file.read_text().replace('["t3.large"', '["c7i.large"', 1))

    assert main(["cost-diff", "staging", "HEAD"], root=tree, env=tools) == 65
    told = capsys.readouterr()
    assert "### Cost of staging" in told.out
    assert "c7i.large" in told.out
    assert "c7i.large" in told.err


ROLE = {"models": ["m"]}
PRICED = {"usd_per_mtok": {"input": 1, "output": 2}}
TOKENS = {
    "tokens": {"known": {"share": 1, "prompt": 100, "answer": 10}},
    "routing": {"share": 0, "prompt": 1, "answer": 1},
}


def test_what_is_not_in_the_sum_is_told() -> None:
    def of(models: dict[str, Any], *roles: str) -> tuple[float, list[str]]:
        return of_models({"roles": dict.fromkeys(roles, ROLE), "models": models, "router": ROLE}, TOKENS)

    usd, remarks = of({"m": PRICED}, "known")
    assert (round(usd * 1e6), remarks) == (120, [])
    usd, [remark] = of({"m": PRICED}, "known", "new")
    assert usd == pytest.approx(120e-6)
    assert remark.startswith("role new has no tokens")
    usd, remarks = of({"m": {}}, "known")
    assert (usd, len(remarks)) == (0, 2)


def test_every_role_has_its_tokens_and_the_shares_are_one() -> None:
    assert set(ASSUMPTIONS["tokens"]) == set(yaml.safe_load((ROOT / ROLES).read_text())["roles"])
    assert sum(row["share"] for row in ASSUMPTIONS["tokens"].values()) == pytest.approx(1)


def test_a_sidecar_that_goes_on_holds_memory_and_a_step_before_the_start_does_not() -> None:
    def one(mib: int, **more: str) -> dict[str, Any]:
        return {"resources": {"requests": {"memory": f"{mib}Mi"}}, **more}

    spec = {"containers": [one(256)], "initContainers": [one(512), one(256, restartPolicy="Always")]}
    rendered = [
        {"kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"WARM_AGENTS": "2"}},
        {"kind": "PodTemplate", "metadata": {"name": "agent"}, "template": {"spec": spec}},
    ]

    assert waiting_gib(rendered) == 1.0


def test_a_change_shows_before_after_and_difference() -> None:
    text = markdown(
        "prod", Bill(usd={"a": 1, "b": 2}), Bill(usd={"a": 1, "b": 1234.5}, remarks=["role x is not in the sum"])
    )

    assert "| b | 2.00 | 1,234.50 | +1,232.50 |" in text
    assert "| a | 1.00 | 1.00 | +0.00 |" in text
    assert "> role x" in text
