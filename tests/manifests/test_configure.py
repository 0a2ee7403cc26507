"""`make configure` makes a fork of this repository, by one file for each environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.manifests.rendering import ROOT, copy_of_the_tree, of_kind, render
from tests.manifests.wiring import own, part


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    root = copy_of_the_tree(tmp_path)
    (root / "scripts").mkdir()
    for name in ("configure", "fact"):
        shutil.copy(ROOT / "scripts" / name, root / "scripts")
    return root


def configure(fork: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, fork / "scripts/configure", *arguments], capture_output=True, text=True, check=False
    )


def files(fork: Path) -> dict[str, bytes]:
    return {path.relative_to(fork).as_posix(): path.read_bytes() for path in fork.rglob("*") if path.is_file()}


def test_a_fork_changes_one_file_for_each_environment_and_keeps_its_comments(fork: Path) -> None:
    before = files(fork)

    done = configure(fork, "REPO=https://git.example/fork", "REGISTRY=registry.example/us", "ACCOUNT=012345678901")

    after = files(fork)
    assert done.returncode == 0, done.stderr
    assert {name for name in after if after[name] != before[name]} == {
        f"clusters/{env}/environment.yaml" for env in ("staging", "prod")
    }
    for environment in ("staging", "prod"):
        text = after[f"clusters/{environment}/environment.yaml"].decode()
        facts = yaml.safe_load(text)
        assert (facts["repository"], facts["registry"]) == ("https://git.example/fork", "registry.example/us")
        assert facts["account"] == "012345678901"
        assert text.count("#") == before[f"clusters/{environment}/environment.yaml"].decode().count("#")
        apps = of_kind(render(fork / "clusters" / environment), "Application")
        assert {own(app)["repoURL"] for app in apps} == {"https://git.example/fork"}


def test_configuring_twice_changes_nothing_the_second_time(fork: Path) -> None:
    configure(fork, "REPO=https://git.example/fork", "GUEST=prod")
    once = files(fork)

    configure(fork, "REPO=https://git.example/fork", "GUEST=prod")

    assert files(fork) == once


def test_a_guest_brings_its_bot_alone(fork: Path) -> None:
    configure(fork, "GUEST=prod")

    assert {part(app) for app in of_kind(render(fork / "clusters/prod"), "Application")} == {
        "openclaw",
        "redis-exporter",
        "root",
    }
    assert len(of_kind(render(fork / "clusters/staging"), "Application")) == 11


def test_a_guest_is_where_its_host_is(fork: Path) -> None:
    """Its NetworkPolicies allow the API server by address: with those of a cluster of its own, its brain would reach none."""
    configure(fork, "GUEST=prod", "ENV=staging", "ACCOUNT=012345678901", "REGION=mx-north-7")

    host, guest = (
        yaml.safe_load((fork / f"clusters/{name}/environment.yaml").read_text()) for name in ("staging", "prod")
    )
    assert {key for key in host if host[key] != guest[key]} == {"metadata"}
    assert (guest["account"], guest["region"]) == ("012345678901", "mx-north-7")


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("REPO=git@github.com:you/openclaw", "without a user or token"),
        ("REPO=https://token@github.com/you/openclaw", "without a user or token"),
        ("REGISTRY=https://ghcr.io/you", "without https://"),
        ("ACCOUNT=123", "12 digits"),
        ("ENV=test", "no environment test"),
        ("COLOUR=red", "is not understood"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_written(fork: Path, argument: str, why: str) -> None:
    before = files(fork)

    done = configure(fork, "REGION=eu-west-1", argument)

    assert done.returncode != 0
    assert why in done.stderr
    assert files(fork) == before
