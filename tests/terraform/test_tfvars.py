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
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/cost.md", tmp_path / "docs")
    template = Path("platform/openclaw/base/agent/podtemplate.yaml")
    (tmp_path / template).parent.mkdir(parents=True)
    shutil.copy(ROOT / template, tmp_path / template)
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
        ("max_per_zone      = 3", "max_per_zone      = 3\n    min_per_zone      = 4", "min_per_zone stands twice"),
        ("min_per_zone      = 0", "min_per_zone      = 4", "pool agents: max_per_zone 3 is below min_per_zone 4"),
        ("min_per_zone      = 0", "min_per_zone      = -1", "pool agents: min_per_zone must be a whole number from 0 to 100, and is -1"),
        ("min_per_zone      = 0", "min_per_zone      = 0.5", "min_per_zone must be a whole number"),
        ("max_per_zone      = 3", 'max_per_zone      = "six"', "pool agents: max_per_zone must be a number without quotes"),
        ("max_per_zone      = 3", 'max_per_zone      = "3"', "pool agents: max_per_zone must be a number without quotes"),
        ("max_per_zone      = 3", "max_per_zone      = six", "cannot be read: six is no value"),
        ("max_per_zone      = 3", "max_per_zone      = 0", "max_per_zone must be a whole number from 1"),
        ("on_demand_percent = 0", "on_demand_percent = 120", "pool agents: on_demand_percent must be a whole number from 0 to 100, and is 120"),
        ("on_demand_percent = 0", "disk_gib = 8", "disk_gib must be a whole number from 20"),
        ("on_demand_percent = 0", 'labels = ["x"]', "labels must be an object"),
        ("min_per_zone   = 1\n", "min_per_zone   = 0\n", "pool system: min_per_zone must be 1 at least"),
        ("max_per_zone   = 2\n", "max_per_zone   = 2\n    on_demand_percent = 50\n", "pool system: on_demand_percent must be 100"),
        ("  agents = {", "  agenst = {", "there is no pool agents: was agenst meant to be it?"),
        ("  system = {", "  System = {", "there is no pool system: was System meant to be it?"),
        ('"t3a.medium", "t3.large"]', '"t3a.lrage", "t3.large"]', "pool agents: t3a.lrage has no price: add it to INSTANCE_USD in scripts/infra-cost, or did you mean t3a.large?"),
        ('"t3a.medium", "t3.large"]', '"t3a.medium", "t3.medium"]', "pool agents: instance_types: t3.medium stands twice"),
        ('["t3.medium", "t3a.medium", "t3.large"]', "[]", "pool agents: instance_types names none"),
        ('["t3.medium", "t3a.medium", "t3.large"]', '"t3.medium"', "pool agents: instance_types must be a list"),
        ('key = "openclaw.io/pool"', 'key = "openclaw.io/poool"', "no agent tolerates the taint openclaw.io/poool=agents:NoSchedule"),
        ('value = "agents"', 'value = "agent"', "no agent tolerates the taint openclaw.io/pool=agent:NoSchedule"),
        ('effect = "NoSchedule"', 'effect = "NoShedule"', "effect NoShedule is none. Did you mean NoSchedule?"),
        ('effect = "NoSchedule"', 'effect = "NoExecute"', "no agent tolerates the taint openclaw.io/pool=agents:NoExecute"),
        ("    taints            = [{", "    labels = { \"openclaw.io/pool\" = \"agnets\" }\n    taints            = [{", "agents look for the label openclaw.io/pool=agents, and its nodes have agnets"),
        ('"eu-central-1b"]', '"eu-central-1a"]', "zones: eu-central-1a stands twice"),
        ('"eu-central-1b"]', '"eu-central-1"]', "zone eu-central-1 is not in eu-central-1"),
        (', "eu-central-1b"]', "]", "there are 1 zones: name 2 or 3"),
        ("10.20.0.0/16", "10.20.0.0/30", "vpc_cidr 10.20.0.0/30 must be a private /16"),
        ("10.20.0.0/16", "10.20.0.0", "vpc_cidr '10.20.0.0' is no range"),
        ("10.20.0.0/16", "10.20.0.1/16", "vpc_cidr '10.20.0.1/16' is no range"),
        ("10.20.0.0/16", "8.8.0.0/16", "vpc_cidr 8.8.0.0/16 must be a private /16"),
        ("10.20.0.0/16", "10.30.0.0/16", "vpc_cidr 10.30.0.0/16 is that of prod, too"),
        ("10.20.0.0/16", "10.21.0.0/16", "must be a /26 in the first /24 of vpc_cidr 10.21.0.0/16"),
        ("nat_mode = ", 'pod_cidr = "10.20.128.0/17"\nnat_mode = ', "pod_cidr 10.20.128.0/17 and vpc_cidr 10.20.0.0/16 overlap"),
        ("nat_mode = ", 'api_allow_cidrs = ["0.0.0.0/0"]\nnat_mode = ', "the API server is not for the internet"),
        ('nat_mode = "gateway"', 'nat_mode = "gatway"', "nat_mode 'gatway' is none. Did you mean gateway?"),
        ("snapshot_retention_days = 7", "snapshot_retention_days = 0", "snapshot_retention_days must be a whole number from 3"),
        ("snapshot_interval_hours = 6", "snapshot_interval_hours = 24", "snapshot_interval_hours must be a whole number from 1 to 12"),
        ("snapshot_interval_hours = 6", 'snapshot_interval_hours = "six"', "snapshot_interval_hours must be a number without quotes"),
        ("snapshot_interval_hours = 6", "snapshot_interval_hours = 6\nnat_mode = \"gateway\"", "nat_mode stands twice"),
        ("protected               = false", 'protected               = "no"', "protected must be true or false"),
        ('"ops@example.com"', '"ops"', "alarm_email 'ops' is no mail address"),
        ("protected ", "masters = 3\nprotected ", "masters must be 1, and is 3"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_file_and_line(project: Path, old: str, new: str, says: str) -> None:
    line = changed(project, old, new)

    found = refusals(project, "staging")

    assert [refusal for refusal in found if says in refusal], found
    # A field that is missing is told at its pool.
    at = re.match(rf"{STAGING}:(\d+): ", found[0])
    assert at, found
    assert line - 2 <= int(at[1]) <= line + 3
    assert not any("infra-cost --write" in refusal for refusal in refusals(project)), "the table is not what is wrong"


def test_prod_keeps_its_snapshots_for_two_weeks(project: Path) -> None:
    changed(project, "snapshot_retention_days = 30", "snapshot_retention_days = 7", STAGING.replace("staging", "prod"))

    assert any("prod keeps its snapshots for 14 days" in refusal for refusal in refusals(project, "prod"))


def test_a_variable_without_a_default_is_missed(project: Path) -> None:
    changed(project, 'vpc_cidr = "10.20.0.0/16"\n', "")

    assert any("there is no vpc_cidr, which has no default" in refusal for refusal in refusals(project, "staging"))


def test_a_taint_that_another_template_tolerates_is_right(project: Path) -> None:
    changed(project, "value: agents\n", "value: big\n", "platform/openclaw/base/agent/podtemplate.yaml")
    changed(project, 'value = "agents", effect', 'value = "big", effect')
    changed(
        project,
        "    taints            = [",
        '    labels            = { "openclaw.io/pool" = "big" }\n    taints            = [',
    )

    assert refusals(project, "staging") == []


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

    assert re.match(r"docs/cost\.md:\d+: the cost table .* scripts/infra-cost --write", refusal)
    assert refusals(project) == []


def test_every_list_of_a_pools_fields_is_the_modules() -> None:
    [body] = re.findall(r"^  type = map\(object\(\{\n(.*?)^  \}\)\)", WORKERS.read_text(), re.M | re.S)
    fields = re.findall(r"^    (\w+) +=", body, re.M)
    main = (ROOT / "terraform/modules/environment/main.tf").read_text()
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
    assert "pool `agents-reserve`" in (project / "docs/cost.md").read_text()


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
    test = (ROOT / "terraform/modules/environment/tests/environment.tftest.hcl").read_text()
    words = documented_pool().split("#")[0].split()

    assert " ".join(words) in " ".join(test.split())
