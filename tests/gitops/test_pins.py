"""Digests of what others made: found where they stand, looked up, written, and alarms when something contradicts itself.

No network is asked here: a registry, a chart repository and a download server of our own stand for the real ones, and a script for
the AWS command line. That the real ones answer as these do is not shown.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw_gitops.__main__ import main
from openclaw_gitops.errors import FAILED, REFUSED, UNAVAILABLE
from openclaw_gitops.pins import Pin, pin_faults, pins
from tests.gitops.conftest import AGENT, BRAIN, ROOT, Platform
from tests.gitops.registry_standin import Registry, registry, sha256

MACHINE = "ami-0a1b2c3d4e5f67890"
PINS = "terraform/modules/gitops/pins.yaml"
DAEMON = "platform/part/daemonset.yaml"
TFVARS = "terraform/environments/staging/terraform.tfvars"


@pytest.fixture
def hub() -> Iterator[Registry]:
    with registry() as opened:
        yield opened


@pytest.fixture
def aws(tmp_path: Path) -> Path:
    """A folder with an `aws` that knows one machine image in one region."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "aws"
    script.write_text(
        '#!/bin/sh\n[ "$*" = "ssm get-parameter --region eu-central-1 --name /aws/service/debian/release/13/latest/amd64'
        f' --query Parameter.Value --output text" ] && echo {MACHINE} || {{ echo "no $*" >&2; exit 1; }}\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.fixture
def unpinned(platform: Platform, hub: Registry) -> Platform:
    """One image in two files, one file, two charts and a machine image, none of them with a digest."""
    image, _ = hub.image("vendor/controller", "v1.34.3")
    hub.charts = {"stack 1.2.0": b"chart archive", "stack 1.3.0": b"newer archive"}
    hub.files["/install.yaml"] = b"kind: Everything\n"
    platform.write(DAEMON, f"kind: DaemonSet\nspec: # one container\n  image: {image} # by version\n")
    platform.write(
        PINS, f"controller:\n  image: {image}\nargocd:\n  url: http://{hub.host}/install.yaml\n  sha256: ''\n"
    )
    platform.write(TFVARS, '# First line.\n# Second line.\nzones = ["a"]\n')
    platform.write("platform/pins.yaml", f"# Checksums.\n\ncharts:\n  old 0.1.0 https://gone.example.com: {AGENT}\n")
    platform.replace("clusters/base/monitoring.yaml", "https://charts.example.com", f"http://{hub.host}/charts")
    for environment in ("staging", "prod"):
        platform.replace(f"clusters/{environment}/environment.yaml", "registry:", "region: eu-central-1\nregistry:")
    platform.commit()
    return platform


def test_everything_that_lacks_a_digest_is_looked_up_and_written_in_its_place(
    unpinned: Platform, hub: Registry, aws: Path
) -> None:
    assert unpinned.run("pin", "--check") == REFUSED
    before = {file: unpinned.read(file) for file in (DAEMON, PINS, TFVARS)}

    assert unpinned.run("pin", PATH=str(aws)) == 0

    image, digest = hub.image("vendor/controller", "v1.34.3")
    assert unpinned.read(DAEMON) == before[DAEMON].replace(image, f"{image}@{digest}")
    installed = sha256(b"kind: Everything\n").removeprefix("sha256:")
    assert unpinned.read(PINS) == before[PINS].replace(image, f"{image}@{digest}").replace("''", installed)
    assert unpinned.read(TFVARS) == f'# First line.\n# Second line.\nami_id = "{MACHINE}"\nzones = ["a"]\n'
    chart = sha256(b"chart archive")
    assert (
        unpinned.read("platform/pins.yaml")
        == f'# Checksums.\n\ncharts:\n  "stack 1.2.0 http://{hub.host}/charts": {chart}\n'
    )
    assert unpinned.run("pin", "--check") == 0


def test_two_files_in_one_list_are_each_written_in_their_place(unpinned: Platform, hub: Registry, aws: Path) -> None:
    hub.files["/a.yaml"] = b"kind: Another\n"
    entry = "{}:\n  url: http://" + hub.host + "/{}.yaml\n  sha256: {}\n"
    unpinned.write(PINS, entry.format("first", "a", "''") + entry.format("second", "install", "''"))

    assert unpinned.run("pin", PATH=str(aws)) == 0

    digests = [sha256(body).removeprefix("sha256:") for body in (b"kind: Another\n", b"kind: Everything\n")]
    assert unpinned.read(PINS) == entry.format("first", "a", digests[0]) + entry.format("second", "install", digests[1])


def test_a_second_run_changes_nothing(unpinned: Platform, aws: Path) -> None:
    unpinned.run("pin", PATH=str(aws))
    unpinned.commit("Pin")

    assert unpinned.run("pin", PATH=str(aws)) == 0
    assert unpinned.git("status", "--porcelain") == ""


def test_one_look_up_that_fails_stops_no_other(
    unpinned: Platform, hub: Registry, aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.manifests.clear()

    assert unpinned.run("pin", PATH=str(aws)) == UNAVAILABLE
    assert "127.0.0.1 answers 404 for /v2/vendor/controller/manifests/v1.34.3" in capsys.readouterr().err
    assert [pin.kind for pin in pins(unpinned.root) if not pin.known] == ["image", "image"]


def test_an_index_that_is_none_stops_no_other(
    unpinned: Platform, hub: Registry, aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.nonsense = b"<html>{: please log in</html>: ["

    assert unpinned.run("pin", PATH=str(aws)) == UNAVAILABLE
    assert "chart stack 1.2.0" in capsys.readouterr().err
    assert [pin.kind for pin in pins(unpinned.root) if not pin.known] == ["chart"]


def test_a_registry_that_contradicts_itself_is_an_alarm(
    unpinned: Platform, hub: Registry, aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.wrong_digest = AGENT

    assert unpinned.run("pin", PATH=str(aws)) == FAILED
    said = capsys.readouterr().err
    assert "is not that of what it sent" in said
    assert "chart stack 1.2.0 is not what the index" in said
    assert AGENT not in unpinned.read(DAEMON)


@pytest.mark.parametrize("what", ["chart", "file"])
def test_what_is_published_anew_under_its_version_is_an_alarm(
    unpinned: Platform, hub: Registry, aws: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    unpinned.run("pin", PATH=str(aws))
    unpinned.commit("Pin")
    if what == "chart":
        hub.charts["stack 1.2.0"] = b"somebody else's"
    else:
        hub.files["/install.yaml"] = b"kind: Somebody else's\n"

    assert unpinned.run("pin", PATH=str(aws)) == FAILED
    assert "find out why before you trust it" in capsys.readouterr().err
    assert unpinned.git("status", "--porcelain") == ""


def test_nothing_is_taken_over_an_open_line(
    unpinned: Platform, hub: Registry, aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpinned.replace(PINS, f"http://{hub.host}/install.yaml", "http://files.invalid/install.yaml")

    assert unpinned.run("pin", PATH=str(aws)) == FAILED
    assert "http://files.invalid/install.yaml is not https" in capsys.readouterr().err


def test_a_redirect_to_an_open_line_is_not_followed(
    unpinned: Platform, hub: Registry, aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.redirect_to = "http://files.invalid/install.yaml"

    assert unpinned.run("pin", PATH=str(aws)) == FAILED
    assert "http://files.invalid/install.yaml is not https" in capsys.readouterr().err


def test_without_the_aws_command_line_the_rest_is_pinned(
    unpinned: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unpinned.run("pin", PATH="/nowhere") == UNAVAILABLE
    assert "needs the AWS command line" in capsys.readouterr().err
    assert [pin.kind for pin in pins(unpinned.root) if not pin.known] == ["machine"]


def test_missing_pins_are_named_with_their_files(unpinned: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert unpinned.run("pin", "--check") == REFUSED
    said = capsys.readouterr().err
    assert f"not pinned yet: machine Debian 12 amd64 in eu-central-1 ({TFVARS})" in said
    assert f"/vendor/controller:v1.34.3 ({DAEMON})" in said
    assert unpinned.run("pin", "--check", "--allow-missing") == 0
    assert "0 of 5 have a digest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (DAEMON, "image: quay.io/a/b:v1@sha256:" + "0" * 64),
        (DAEMON, "image: quay.io/a/b:v1@sha256:abc"),
        (PINS, "argocd:\n  url: https://example.com/x\n  sha256: " + "deadbeef" * 8),
        (TFVARS, 'ami_id = "ami-00000000"'),
    ],
)
def test_an_invented_digest_is_refused_even_where_missing_ones_are_allowed(
    platform: Platform, file: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.write(file, text + "\n")

    assert platform.run("pin", "--check", "--allow-missing") == REFUSED
    assert file in capsys.readouterr().err


def test_one_image_has_one_digest_everywhere(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.write(DAEMON, f"image: quay.io/a/b:v1@{AGENT}\n")
    platform.write(PINS, f"x:\n  image: quay.io/a/b:v1@{BRAIN}\n")

    assert platform.run("pin", "--check", "--allow-missing") == REFUSED
    assert "image quay.io/a/b:v1 has different digests" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "line", "name"),
    [
        ("apps/brain/Dockerfile", "ARG PYTHON_IMAGE=python:3.13-slim", "python:3.13-slim"),
        ("apps/brain/Dockerfile", "FROM --platform=$BUILDPLATFORM golang:1.25 AS build", "golang:1.25"),
        ("apps/brain/Dockerfile", "COPY --from=ghcr.io/a/uv:0.9 /uv /uv", "ghcr.io/a/uv:0.9"),
        ("platform/x/pod.yaml", "  - image: 'registry:5000/a/b:v1.2.3'", "registry:5000/a/b:v1.2.3"),
        ("platform/x/pod.yaml", "  - {name: a, image: quay.io/a/b:v1}", "quay.io/a/b:v1"),
    ],
)
def test_images_are_found_in_every_form(platform: Platform, file: str, line: str, name: str) -> None:
    platform.write(file, line + "\n")

    assert [pin.name for pin in pins(platform.root) if pin.kind == "image"] == [name]


@pytest.mark.parametrize(
    "line",
    [
        "image: ghcr.io/owner/openclaw-brain:unreleased",
        "FROM ${PYTHON_IMAGE} AS build",
        "image: ${image}",
        "FROM build",
    ],
)
def test_our_own_images_and_names_of_stages_are_no_pins(platform: Platform, line: str) -> None:
    platform.write("apps/brain/Dockerfile", line + "\n")

    assert [pin for pin in pins(platform.root) if pin.kind == "image"] == []


def test_the_repositorys_own_pins_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    found = pins(ROOT)

    assert pin_faults(found) == []
    assert {pin.kind for pin in found} == {"image", "chart", "file", "machine"}
    assert main(["pin", "--check", "--allow-missing"], root=ROOT, env={}) == 0


def test_a_pin_says_what_and_where() -> None:
    assert str(Pin(kind="image", name="a:1", file="f.yaml", known="")) == "image a:1 (f.yaml)"
