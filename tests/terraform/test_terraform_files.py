"""What no single module can promise: environments alike, nothing that opens a back door, suppressions with reasons.

`scripts/terraform-check` runs Terraform's own tests; these read the files and need no terraform.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
SOURCES = sorted(path for path in TERRAFORM.rglob("*.tf") if ".terraform" not in path.relative_to(ROOT).parts)
MAY_DIFFER = {"environment.tf", "versions.tf", "terraform.tfvars"}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(text: str, kind: str) -> dict[str, str]:
    """Top-level blocks of a kind by their labels, as formatted by terraform fmt."""
    found = re.findall(rf'^{kind} ((?:"[^"]+" ?)+)\{{\n(.*?)^\}}', text, re.M | re.S)
    return {labels.strip(): body for labels, body in found}


def test_these_tests_see_the_blocks_that_they_judge() -> None:
    network = TERRAFORM / "modules/network"

    assert '"nat_mode"' in blocks((network / "variables.tf").read_text(), "variable")
    assert '"aws_security_group" "workers"' in blocks((network / "security_groups.tf").read_text(), "resource")


def test_environments_differ_only_where_they_must() -> None:
    staging, prod = (TERRAFORM / "environments" / name for name in ("staging", "prod"))
    names = {path.name for folder in (staging, prod) for path in folder.glob("*.tf")}

    differing = {
        name
        for name in names
        if not (staging / name).exists()
        or not (prod / name).exists()
        or (staging / name).read_bytes() != (prod / name).read_bytes()
    }

    assert differing <= MAY_DIFFER


def test_an_environment_passes_on_every_variable_as_it_is() -> None:
    """Of another type, or with a default of its own, a value would not be what the module describes."""

    def kinds(folder: str) -> dict[str, str]:
        return {
            name.strip('"'): re.findall(r"^  type += (.*)$", body, re.M)[0]
            for name, body in blocks((TERRAFORM / folder / "variables.tf").read_text(), "variable").items()
        }

    text = (TERRAFORM / "environments/staging/variables.tf").read_text()
    module = kinds("modules/environment")
    assert kinds("environments/staging") == {
        name: kind for name, kind in module.items() if name not in ("environment", "tags")
    }
    assert set(re.findall(r"^  default += (.*)$", text, re.M)) == {"null"}
    taken = re.findall(r"^  (\w+) += (\w+)\.(\w+)$", (TERRAFORM / "environments/staging/main.tf").read_text(), re.M)
    assert [(name, name) for name in module] == [(name, given) for name, _, given in taken]


def test_backends_differ_only_in_the_key() -> None:
    texts = [
        (TERRAFORM / "environments" / name / "versions.tf").read_text().replace(f'"{name}/', '"ENV/')
        for name in ("staging", "prod")
    ]

    assert texts[0] == texts[1]
    assert "use_lockfile = true" in texts[0]


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_an_environment_says_who_and_where(name: str) -> None:
    shared = yaml.safe_load((ROOT / "clusters" / name / "environment.yaml").read_text())

    assert set(shared) - {"apiVersion", "kind", "metadata"} == {
        "repository",
        "registry",
        "region",
        "account",
        "api_server_cidr",
        "ops_chat",
    }
    assert re.fullmatch(r"\d{12}", shared["account"]), "quote the account, or YAML makes it a number"


def test_environments_can_share_an_account_and_be_peered() -> None:
    ranges = {
        name: yaml.safe_load((ROOT / "clusters" / name / "environment.yaml").read_text())
        for name in ("staging", "prod")
    }

    assert ranges["staging"]["api_server_cidr"] != ranges["prod"]["api_server_cidr"]


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_there_is_no_ssh(path: Path) -> None:
    # key_name is computed when unset, so Terraform's mocked tests cannot see that an instance has none.
    text = path.read_text()

    assert "aws_key_pair" not in text
    assert not re.search(r"^\s*key_name\s*=", text, re.M)
    assert not re.search(r"_port\s*=\s*22\b", text)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_rules_and_images_are_explicit(path: Path) -> None:
    text = path.read_text()

    assert not blocks(text, 'resource "aws_security_group_rule"')
    assert not re.search(r"most_recent\s*=", text), "an image changes by a reviewed commit only"
    for labels, body in blocks(text, "resource").items():
        if labels.startswith('"aws_security_group"'):
            assert not re.search(r"^\s*(ingress|egress)\b", body, re.M), f"{labels}: use single rules"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_comes_in_from_the_world(path: Path) -> None:
    # A rule that somebody adds is a resource that no test of Terraform's own asks for.
    for labels, body in blocks(path.read_text(), "resource").items():
        if labels.startswith('"aws_vpc_security_group_ingress_rule"'):
            assert not re.search(r'cidr_ipv[46]\s*=\s*"(0\.0\.0\.0|::)/', body), labels


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_providers_that_talk_to_the_cluster_or_run_commands(path: Path) -> None:
    assert not re.search(r'"hashicorp/(kubernetes|helm|null|local)"|provisioner "', path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_variables_and_outputs_are_described(path: Path) -> None:
    text = path.read_text()

    for labels, body in blocks(text, "variable").items():
        assert re.search(r"^\s*type\s*=", body, re.M), f"{labels} has no type"
        assert re.search(r"^\s*description\s*=", body, re.M), f"{labels} has no description"
    for labels, body in blocks(text, "output").items():
        assert re.search(r"^\s*description\s*=", body, re.M), f"{labels} has no description"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_suppressions_carry_reasons(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "checkov:skip" in line:
            assert re.search(r"#checkov:skip=CKV2?_AWS_\d+:\S.{11,}", line), line


def test_no_lock_file_or_state_is_kept() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "terraform"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert not [path for path in tracked if ".terraform" in path or ".tfstate" in path]


def test_every_secret_that_the_manifests_read_is_made_with_its_fields() -> None:
    made = {
        secret: set(re.findall(r'"([^"]+)"', fields))
        for secret, fields in re.findall(
            r"^    ([a-z-]+) += \{ fields = \[([^]]*)\]",
            (TERRAFORM / "modules/environment/secrets.tf").read_text(),
            re.M,
        )
    }
    read: dict[str, set[str]] = {}
    for path in (ROOT / "platform").rglob("*.yaml"):
        if "kind: ExternalSecret\n" not in path.read_text() or "components/search-keys" in path.as_posix():
            continue  # the latter's secret is made by hand, by who wants it (docs/tools.md)
        for document in yaml.safe_load_all(path.read_text()):
            if document and document.get("kind") == "ExternalSecret":
                for entry in document["spec"].get("data", ()):  # one that a generator makes has none
                    secret = entry["remoteRef"]["key"].rsplit("/", 1)[-1]
                    read.setdefault(secret, set()).add(entry["remoteRef"]["property"])
    assert {secret: fields for secret, fields in made.items() if secret in read} == read
    assert set(made) - set(read) <= {"ops-telegram", "ops-github"}, "made, and read by nothing"
    assert {"telegram", "groq", "redis"} <= read.keys()


def test_the_cost_table_is_up_to_date() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts/infra-cost"], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() in (ROOT / "docs/cost.md").read_text(), "run scripts/infra-cost --write"


def test_a_workflows_role_has_no_policy_that_no_test_knows() -> None:
    # A test of Terraform's own sees the policies that it names, not those that somebody adds.
    text = "".join(path.read_text() for path in SOURCES if path.parent.name == "bootstrap")
    attached = {
        labels for labels in blocks(text, "resource") if re.match(r'"aws_iam_(role_)?policy|"aws_iam_policy', labels)
    }

    assert attached == {
        '"aws_iam_role_policy_attachment" "plan_looks"',
        '"aws_iam_role_policy" "plan"',
        '"aws_iam_role_policy" "apply"',
    }
    assert "managed_policy_arns" not in text


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_everything_carries_the_tags_that_a_teardown_looks_for(name: str) -> None:
    text = (TERRAFORM / "environments" / name / "main.tf").read_text()
    (provider,) = [body for labels, body in blocks(text, "provider").items() if labels == '"aws"']

    assert re.search(r"default_tags \{\s+tags = local\.tags\s+\}", provider)
    assert re.search(r'^    Project +=\s"openclaw"\n    Environment = local\.environment$', text, re.M)
