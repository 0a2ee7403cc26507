"""Commit statuses over HTTP, and a promotion that rests on them from end to end."""

from collections.abc import Iterator

import pytest

from openclaw_gitops.errors import REFUSED, UNAVAILABLE, USAGE, CommandError
from openclaw_gitops.github import Statuses
from openclaw_gitops.promotion_rules import HEALTHY, SMOKED
from tests.gitops.conftest import REPOSITORY, Platform
from tests.gitops.github_standin import ARGOCD, OURS, TOKEN, GitHub, github


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as opened:
        yield opened


def test_statuses_on_many_pages_are_all_seen(hub: GitHub) -> None:
    for n in range(250):
        hub.put("c", f"check/{n}", "success")

    assert Statuses.from_env(hub.variables(), "").of("c").keys() == {f"check/{n}" for n in range(250)}


@pytest.mark.parametrize(
    ("by", "kind"),
    [
        ("mallory", "User"),
        ("github-actions[bot]", "Bot"),  # any workflow of any branch that somebody has pushed
        ("another[bot]", "Bot"),
        (OURS, "User"),
        (OURS.removesuffix("[bot]"), "User"),
        (OURS.upper(), "Bot"),
    ],
)
def test_a_promotion_believes_nobody_but_our_apps(
    platform: Platform, hub: GitHub, by: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.bump(platform.git("rev-parse", "HEAD"))
    commit = platform.commit("Bump to 1.0.0")
    for context in (HEALTHY, SMOKED):
        hub.put(commit, context, "success", by=by, kind=kind)

    assert platform.run("promote", "--main", "main", **hub.variables()) == 75
    assert f"{HEALTHY} has said nothing" in capsys.readouterr().err


def test_a_stranger_s_status_neither_hides_nor_changes_what_our_apps_said(hub: GitHub) -> None:
    hub.put("c", HEALTHY, "failure", by=ARGOCD)
    hub.put("c", HEALTHY, "success", by="mallory", kind="User")
    hub.put("c", SMOKED, "pending")
    hub.put("c", SMOKED, "success")

    words = Statuses.from_env(hub.variables(), "").of("c")

    assert {context: word.state for context, word in words.items()} == {HEALTHY: "failure", SMOKED: "success"}


@pytest.mark.parametrize("creators", ["", "*", "mallory", "a[bot] mallory"])
def test_without_the_names_of_the_apps_nothing_is_promoted(
    platform: Platform, hub: GitHub, creators: str, capsys: pytest.CaptureFixture[str]
) -> None:
    env = hub.variables() | {"STATUS_CREATORS": creators}

    assert platform.run("promote", "--main", "main", **env) == USAGE
    assert "STATUS_CREATORS" in capsys.readouterr().err


def test_the_repository_is_that_of_the_environment_unless_a_variable_says_otherwise(hub: GitHub) -> None:
    env = {name: value for name, value in hub.variables().items() if name != "GITHUB_REPOSITORY"}

    assert Statuses.from_env(env, REPOSITORY + ".git").of("c") == {}


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [(401, UNAVAILABLE, "statuses: read"), (403, UNAVAILABLE, "statuses: read"), (404, UNAVAILABLE, "statuses: read"), (422, REFUSED, "push it first"),
     (500, UNAVAILABLE, "try again later")],
)  # fmt: skip
def test_a_refusal_says_what_to_do_and_not_the_token(hub: GitHub, status: int, code: int, word: str) -> None:
    hub.status = status

    with pytest.raises(CommandError, match=word) as stopped:
        Statuses.from_env(hub.variables(), "").of("c")
    assert stopped.value.code == code
    assert TOKEN not in str(stopped.value)
    assert TOKEN not in repr(Statuses.from_env(hub.variables(), ""))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::bad"])
def test_a_server_that_is_away_is_told(hub: GitHub, url: str) -> None:
    env = hub.variables() | {"GITHUB_API_URL": url}

    with pytest.raises(CommandError, match="cannot be reached"):
        Statuses.from_env(env, "").of("c")


def test_a_promotion_waits_for_staging_and_then_moves_prod(
    platform: Platform, hub: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.bump(platform.git("rev-parse", "HEAD"))
    commit = platform.commit("Bump to 1.0.0")

    assert platform.run("promote", "--main", "main", **hub.variables()) == 75
    assert f"{HEALTHY} has said nothing" in capsys.readouterr().err
    hub.put(commit, SMOKED, "success")
    hub.put(commit, HEALTHY, "success")
    assert platform.run("promote", "--main", "main", **hub.variables()) == 75
    assert f"{SMOKED} has said nothing" in capsys.readouterr().err  # it was asked before the new brain was there
    hub.put(commit, SMOKED, "failure")
    assert platform.run("promote", "--main", "main", **hub.variables()) == 75
    assert f"{SMOKED} says failure" in capsys.readouterr().err
    assert platform.git("status", "--porcelain") == ""
    hub.put(commit, SMOKED, "success")
    assert platform.run("promote", "--main", "main", **hub.variables()) == 0
    assert platform.pins()["commit"] == commit
    body = capsys.readouterr().out
    assert f"`{HEALTHY}` and `{SMOKED}` succeeded" in body
    assert "Nobody asked staging" not in body


def test_a_commit_of_docs_rests_on_the_word_of_the_one_before(platform: Platform, hub: GitHub) -> None:
    platform.bump(platform.git("rev-parse", "HEAD"))
    older = platform.commit("Bump to 1.0.0")
    for context in (HEALTHY, SMOKED, "argocd/staging-monitoring"):
        hub.put(older, context, "success")
    platform.write("docs/page.md", "words\n")
    newer = platform.commit("Document it")

    assert platform.run("promote", "--main", "main", **hub.variables()) == 0
    assert platform.pins()["commit"] == newer
    assert hub.asked == [newer, older]


def test_a_part_that_failed_long_ago_and_is_silent_since_has_its_veto(
    platform: Platform, hub: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.put(platform.git("rev-parse", "HEAD"), "argocd/staging-monitoring", "failure")
    platform.bump(platform.git("rev-parse", "HEAD"))
    newer = platform.commit("Bump to 1.0.0")
    for context in (HEALTHY, SMOKED):
        hub.put(newer, context, "success")

    assert platform.run("promote", "--main", "main", **hub.variables()) == 75
    assert "argocd/staging-monitoring says failure" in capsys.readouterr().err


def test_without_a_token_nothing_is_promoted_silently(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert platform.run("promote", "--main", "main", GITHUB_TOKEN="", GH_TOKEN="") == UNAVAILABLE
    assert "GITHUB_TOKEN" in capsys.readouterr().err
