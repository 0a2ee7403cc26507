"""`scripts/tfvars-check` refuses wrong settings of an environment by file and line, and the documented pool works as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
STAGING = "terraform/environments/staging/terraform.tfvars"
WORKERS = ROOT / "terraform/modules/workers/variables.tf"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the check reads, where a test may change things."""
    for name in ("scripts", "clusters", "terraform"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(".terraform*", "tests"))
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def refusals(project: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, project / "scripts/tfvars-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    said = done.stderr.splitlines()
    assert done.returncode == (1 if said else 0), done.stdout + done.stderr
    assert not any("Traceback" in line for line in said), done.stderr
    return said


def changed(project: Path, old: str, new: str, name: str = STAGING) -> int:
    """Replace one text of a file, and return the number of its line."""
    file = project / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return text.count("\n", 0, text.index(old)) + 1


def test_what_is_committed_is_right(project: Path) -> None:
    assert refusals(project) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("snapshot_retention_days", "snapshot_retention_day", "is no variable. Did you mean snapshot_retention_days?"),
        ("protected ", "colour ", "colour is no variable. Known are alarm_email"),
        ("on_demand_percent", "on_demand_procent", "pool agents: on_demand_procent is no field of a pool. Did you mean on_demand_percent?"),
        ("min_per_zone   = 1\n", "", "pool system has no min_per_zone"),
        ('effect = "NoSchedule"', 'efect = "NoSchedule"', "a taint has key, value and effect"),
        ('key = "openclaw.io/pool", ', "", "a taint has key, value and effect"),
        ("kubernetes_version = ", 'ami_id = "ami-..."\nkubernetes_version = ', "ami_id 'ami-...' is no image's id"),
        ("max_per_zone   = 2\n", 'max_per_zone   = 2\n    ami_id = "ami-0abc"\n', "pool system: ami_id 'ami-0abc' is no image's id"),
        ("max_per_zone   = 2\n", 'max_per_zone   = 2\n    zones = ["eu-central-1c"]\n', "zone eu-central-1c is none of the environment's zones"),
        ('"eu-central-1b"]', '"eu-west-1b"]', "zone eu-west-1b is not in eu-central-1"),
        ('"t3.large", "t3a.large"]', '"x9.huge", "t3a.large"]', "pool system: x9.huge has no price"),
        ('zones    = ["eu-central-1a"', "zones    = [eu-central-1a!", "cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_file_and_line(project: Path, old: str, new: str, says: str) -> None:
    line = changed(project, old, new)

    found = refusals(project, "staging")

    assert [refusal for refusal in found if says in refusal], found
    # A field that is missing is told at its pool, a file that cannot be read at its beginning.
    at = re.match(rf"{STAGING}:(\d+): ", found[0])
    assert at, found
    assert line - 2 <= int(at[1]) <= line + 1 or "cannot be read" in found[0]


@pytest.mark.parametrize(("version", "refused"), [("+2", True), ("+1", False), ("-1", False), ("-2", True)])
def test_a_version_more_than_a_minor_from_the_pins_is_refused(project: Path, version: str, refused: bool) -> None:
    pins = yaml.safe_load((ROOT / "terraform/modules/gitops/pins.yaml").read_text())
    [minor] = re.findall(r":v1\.(\d+)\.", pins["cloud_controller"]["image"])
    file = project / STAGING
    wanted = f'kubernetes_version = "1.{int(minor) + int(version)}.1"'
    file.write_text(re.sub(r'kubernetes_version = ".*"', wanted, file.read_text()))

    assert bool(refusals(project, "staging")) is refused


def test_a_stale_cost_table_names_the_command(project: Path) -> None:
    changed(project, "max_per_zone   = 2", "max_per_zone   = 4")

    [refusal] = refusals(project)
    subprocess.run([sys.executable, project / "scripts/infra-cost", "--write"], check=True)

    assert re.match(r"README\.md:\d+: the cost table .* scripts/infra-cost --write", refusal)
    assert refusals(project) == []


def test_every_list_of_a_pools_fields_is_the_modules() -> None:
    [body] = re.findall(r"^  type = map\(object\(\{\n(.*?)^  \}\)\)", WORKERS.read_text(), re.M | re.S)
    fields = re.findall(r"^    (\w+) +=", body, re.M)
    main = (ROOT / "terraform/environments/staging/main.tf").read_text()
    [listed] = re.findall(r"pool_fields = \[(.*?)\]", main, re.S)

    assert re.findall(r'"(\w+)"', listed) == fields
    assert re.findall(r"^      (\w+)  ", WORKERS.read_text().split("EOT")[1], re.M) == fields, "the description"


def documented_pool() -> str:
    """The block that docs/infrastructure.md tells to add."""
    section = (ROOT / "docs/infrastructure.md").read_text().split("## How do I add workers?")[1].split("\n## ")[0]
    [block] = re.findall(r"```hcl\n(.*?)```", section, re.S)
    return re.sub(r"^   ", "", block, flags=re.M)


def test_the_documented_pool_is_added_as_the_docs_say(project: Path) -> None:
    changed(project, "pools = {\n", "pools = {\n" + documented_pool())

    [stale] = refusals(project)
    subprocess.run([sys.executable, project / "scripts/infra-cost", "--write"], check=True)

    assert "scripts/infra-cost --write" in stale
    assert refusals(project) == []
    assert "pool `agents-reserve`" in (project / "README.md").read_text()


def test_agents_jobs_may_run_on_the_documented_pool() -> None:
    """Its taint is one that their template tolerates, and its label the one that they look for."""
    block = documented_pool()
    template = yaml.safe_load((ROOT / "platform/openclaw/base/agent/podtemplate.yaml").read_text())["template"]["spec"]
    [(key, value, effect)] = re.findall(r'key = "(.*?)", value = "(.*?)", effect = "(.*?)"', block)
    label = dict(re.findall(r'labels += \{ "(.*?)" = "(.*?)" \}', block))

    assert {"key": key, "operator": "Equal", "value": value, "effect": effect} in template["tolerations"]
    assert label == {"openclaw.io/pool": "agents"}
    assert "openclaw.io/pool" in yaml.safe_dump(template["affinity"])


def test_the_documented_pool_is_the_one_that_terraforms_own_test_plans() -> None:
    test = (ROOT / "terraform/environments/staging/tests/environment.tftest.hcl").read_text()
    words = documented_pool().split("#")[0].split()

    assert " ".join(words) in " ".join(test.split())
