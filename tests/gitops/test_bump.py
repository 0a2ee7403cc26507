"""The one file that names our images: what a bump writes, and everything that it refuses."""

import hashlib

import pytest

from openclaw_gitops import release as releases
from openclaw_gitops.errors import CommandError
from tests.gitops.conftest import AGENT, BRAIN, RELEASE, ROOT, RUNNER, Platform


def test_a_bump_writes_tag_digests_and_source_commit_and_nothing_else(platform: Platform) -> None:
    built, before = platform.git("rev-parse", "HEAD"), platform.read(RELEASE)

    assert platform.bump(built, tag="1.0.0") == 0

    assert platform.git("diff", "--name-only") == RELEASE
    expected = before.replace("unreleased\n", "{}\n").replace("sha256:" + "0" * 64, "{}")
    assert platform.read(RELEASE) == expected.format(built, "1.0.0", AGENT, "1.0.0", BRAIN, "1.0.0", RUNNER)
    assert "unreleased" in before.splitlines()[2]  # the comment keeps its word


def test_the_bumped_images_are_what_staging_and_prod_run(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.bump(platform.git("rev-parse", "HEAD"))
    capsys.readouterr()

    for environment in ("staging", "prod"):
        assert platform.run("render", environment, "openclaw") == 0
        assert f"/openclaw-brain:1.0.0@{BRAIN}" in capsys.readouterr().out


def test_the_same_bump_twice_changes_nothing(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    built = platform.git("rev-parse", "HEAD")
    platform.bump(built)
    platform.commit("Bump")

    assert platform.bump(built) == 0
    assert "nothing to bump" in capsys.readouterr().out
    assert platform.git("status", "--porcelain") == ""


@pytest.mark.parametrize("path", ["clusters/prod/pins.yaml", "new-file", RELEASE.replace("release", "other")])
def test_any_other_change_in_the_checkout_is_refused(
    platform: Platform, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.write(path, "something else\n")

    assert platform.bump(platform.git("rev-parse", "HEAD")) == 65
    assert path in capsys.readouterr().err
    assert "unreleased" in platform.read(RELEASE)


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:" + "0" * 64,
        "sha256:" + "deadbeef" * 8,
        "sha256:" + "".join(f"{n}a" * 8 for n in range(1, 5)),
        "sha256:" + "0123456789abcdef" * 4,
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        AGENT.upper(),
        AGENT[:-1],
        AGENT.removeprefix("sha256:"),
        "latest",
    ],
)
def test_what_is_no_hash_is_refused(platform: Platform, digest: str, capsys: pytest.CaptureFixture[str]) -> None:
    built = platform.git("rev-parse", "HEAD")

    assert platform.bump(built, brain=digest) == 65
    assert "digest of openclaw-brain" in capsys.readouterr().err
    assert platform.git("status", "--porcelain") == ""


@pytest.mark.parametrize("tag", ["latest", "unreleased", "a b", "-x", 'x"\nkind: Secret'])
def test_what_is_no_tag_of_a_build_is_refused(platform: Platform, tag: str) -> None:
    assert (
        platform.run(
            "bump",
            "--commit",
            platform.git("rev-parse", "HEAD"),
            f"--tag={tag}",
            "--agent",
            AGENT,
            "--brain",
            BRAIN,
            "--runner",
            RUNNER,
        )
        == 65
    )
    assert platform.git("status", "--porcelain") == ""


def test_a_tag_of_digits_stays_text(platform: Platform) -> None:
    assert platform.bump(platform.git("rev-parse", "HEAD"), tag="20261126") == 0
    assert releases.read(platform.read(RELEASE)).tag == "20261126"


def test_a_late_bump_does_not_undo_a_newer_one(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    older = platform.git("rev-parse", "HEAD")
    newer = platform.commit("Newer code")
    platform.bump(newer)
    platform.commit("Bump")

    assert platform.bump(older, tag="0.9.0") == 65
    assert "revert the bump" in capsys.readouterr().err


def test_images_of_a_commit_outside_this_history_are_refused(platform: Platform) -> None:
    platform.git("switch", "--quiet", "--create", "side")
    side = platform.commit("Aside")
    platform.git("switch", "--quiet", "main")

    assert platform.bump(side) == 65
    assert platform.bump("1" * 40) == 65


def test_the_repositorys_own_file_is_a_build_or_the_one_before_the_first() -> None:
    releases.read((ROOT / RELEASE).read_text())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("newTag: unreleased", "newTag: 1.0.0"),
        ("digest: sha256:" + "0" * 64, f"digest: {AGENT}"),
        ("built-from: unreleased", "built-from: " + "0" * 40),
        ("name: openclaw-brain", "name: openclaw-other"),
    ],
)
def test_a_file_that_is_half_a_build_is_refused(
    platform: Platform, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.replace(RELEASE, old, new)

    with pytest.raises(CommandError):
        releases.read(platform.read(RELEASE))
    assert platform.run("bump", "--check") == 65
    assert capsys.readouterr().err


def test_a_bump_without_its_values_says_which_are_missing(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert platform.run("bump", "--tag", "1.0.0") == 64
    assert "--commit, --agent, --brain" in capsys.readouterr().err


def test_a_bump_keeps_the_builds_before_it_for_the_admission_policy(platform: Platform) -> None:
    """Else the last good brain could not come back where the newest does not start."""
    builds = []
    for number in range(releases.BEFORE_MAX + 3):
        agent, brain = (f"sha256:{hashlib.sha256(f'{name}{number}'.encode()).hexdigest()}" for name in "ab")
        assert platform.bump(platform.commit(f"Code {number}"), tag=f"main-{number}", agent=agent, brain=brain) == 0
        platform.commit("Bump")
        builds.append((f"main-{number}@{agent}", f"main-{number}@{brain}"))

    release = releases.read(platform.read(RELEASE))
    kept = list(reversed(builds[:-1]))[: releases.BEFORE_MAX]

    assert release.before["openclaw-agent"] == tuple(agent for agent, _ in kept)
    assert release.before["openclaw-brain"] == tuple(brain for _, brain in kept)


def test_the_first_bump_has_nothing_before_it_and_the_same_again_adds_nothing(platform: Platform) -> None:
    built = platform.git("rev-parse", "HEAD")
    platform.bump(built)
    platform.commit("Bump")
    first = platform.read(RELEASE)
    platform.bump(built)

    assert set(releases.read(first).before.values()) == {()}
    assert platform.read(RELEASE) == first


@pytest.mark.parametrize("entry", ["latest", "main-1@sha256:" + "0" * 64, "main-1", f"@{AGENT}"])
def test_a_build_before_that_nobody_made_is_refused(platform: Platform, entry: str) -> None:
    platform.bump(platform.git("rev-parse", "HEAD"))
    platform.replace(RELEASE, '"before.agent=none"', f'"before.agent={entry}"')

    assert platform.run("bump", "--check") == 65


def test_a_release_of_before_the_runner_is_still_read(platform: Platform) -> None:
    """Prod may have one while staging has moved on."""
    text = platform.read(RELEASE)
    image = text[text.index("  - name: openclaw-runner") : text.index("\n\n", text.index("  - name: openclaw-runner"))]
    older = text.replace(image, "").replace('      - "before.runner=none"\n', "")
    assert releases.read(older).digests.keys() == {"openclaw-agent", "openclaw-brain"}
    with pytest.raises(CommandError, match="must name exactly"):
        releases.read(text.replace('      - "before.runner=none"\n', ""))
