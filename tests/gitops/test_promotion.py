"""When prod may move, and to what: the decision as a table, then promotions of a real repository."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from openclaw_gitops import promotion_rules
from openclaw_gitops.environments import NEVER
from openclaw_gitops.errors import CommandError
from openclaw_gitops.promote import promote
from openclaw_gitops.promotion_rules import (
    HEALTHY,
    SMOKED,
    CommitStatus,
    Facts,
    Move,
    NothingToDo,
    NotYet,
    PromotionRefused,
    ReportedCommit,
    decide,
)
from openclaw_gitops.release import UNRELEASED, ZEROS, Release
from tests.gitops.conftest import AGENT, BRAIN, RUNNER, Platform

NEW, OLD = "b" * 40, "a" * 40
WELL = {HEALTHY: "success", SMOKED: "success"}
BUILT = Release(
    built_from=OLD, tag="1.0.0", digests={"openclaw-agent": AGENT, "openclaw-brain": BRAIN, "openclaw-runner": RUNNER}
)
UNBUILT = Release(
    built_from=UNRELEASED,
    tag=UNRELEASED,
    digests={"openclaw-agent": ZEROS, "openclaw-brain": ZEROS, "openclaw-runner": ZEROS},
)
PROMPT = "platform/openclaw/base/prompts/coder.md"


def words(states: Mapping[str, str]) -> dict[str, CommitStatus]:
    """All said at one time, but for those that say when: `success 2`."""
    return {
        context: CommitStatus(state=state.split()[0], at=state.partition(" ")[2]) for context, state in states.items()
    }


def seen(states: Mapping[str, str], *changed_since: str, commit: str = NEW) -> ReportedCommit:
    return ReportedCommit(commit=commit, statuses=words(states), changed_since=changed_since)


READY = Facts(
    commit=NEW, pinned=OLD, on_main=True, after_pin=True, changed_since_pin=[PROMPT], versions_move=False, release=BUILT,
    changed_since_build=[PROMPT], unpinned=[], history=[seen(WELL)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind", "word"),
    [
        ({}, Move, ""),
        ({"pinned": NEVER, "after_pin": False, "changed_since_pin": []}, Move, ""),
        ({"history": None}, Move, ""),
        ({"on_main": False}, PromotionRefused, "not on main"),
        ({"after_pin": False}, PromotionRefused, "revert the promotion"),
        ({"pinned": NEW}, NothingToDo, "already"),
        ({"changed_since_pin": ["clusters/prod/pins.yaml", "clusters/base/openclaw.yaml"]}, NothingToDo, "nothing that prod runs"),
        ({"changed_since_pin": ["README.md", "terraform/main.tf", "clusters/staging/kustomization.yaml"]}, NothingToDo, "nothing that prod runs"),
        ({"changed_since_pin": ["clusters/prod/pins.yaml", PROMPT]}, Move, ""),
        ({"changed_since_pin": ["clusters/prod/environment.yaml"]}, Move, ""),
        ({"changed_since_pin": ["clusters/kustomization.yaml"]}, Move, ""),
        ({"changed_since_pin": [], "versions_move": True}, Move, ""),
        ({"release": UNBUILT}, PromotionRefused, "unreleased"),
        ({"release": UNBUILT, "history": None}, PromotionRefused, "unreleased"),
        ({"changed_since_build": ["apps/brain/src/x.py"]}, NotYet, "apps/brain/src/x.py has changed since"),
        ({"changed_since_build": ["packages/core/src/x.py"]}, NotYet, "packages/core"),
        ({"changed_since_build": ["requirements/brain.txt"], "history": None}, NotYet, "requirements/brain.txt"),
        ({"unpinned": ["image x:1 (file)"]}, NotYet, "1 without a digest, merge what scripts/pin writes: image x:1 (file)"),
        ({"unpinned": ["image x:1 (file)"], "history": None}, Move, ""),
        ({"history": []}, NotYet, f"{HEALTHY} has said nothing"),
        ({"history": [seen({HEALTHY: "success"})]}, NotYet, f"{SMOKED} has said nothing"),
        ({"history": [seen({SMOKED: "success"})]}, NotYet, f"{HEALTHY} has said nothing"),
        ({"history": [seen(WELL | {HEALTHY: "pending"})]}, NotYet, f"{HEALTHY} says pending"),
        ({"history": [seen(WELL | {SMOKED: "failure"})]}, NotYet, f"{SMOKED} says failure"),
        ({"history": [seen(WELL | {"argocd/staging-monitoring": "failure"})]}, NotYet, "argocd/staging-monitoring says failure"),
        ({"history": [seen(WELL | {"argocd/prod-openclaw": "failure", "ci/test": "failure"})]}, Move, ""),
        # Another part's report had staging asked while the old brain was still there.
        ({"history": [seen({HEALTHY: "success 2", SMOKED: "success 1"})]}, NotYet, f"{SMOKED} has said nothing"),
        ({"history": [seen({HEALTHY: "success 2", SMOKED: "success 3"})]}, Move, ""),
        ({"history": [seen({SMOKED: "success 1"}), seen({HEALTHY: "success 2"}, "docs/x.md", commit=OLD)]}, Move, ""),
        # Words on older commits hold as long as nothing that they speak of has changed.
        ({"history": [seen({}), seen(WELL, "docs/x.md", commit=OLD)]}, Move, ""),
        ({"history": [seen({}), seen(WELL, PROMPT, commit=OLD)]}, NotYet, f"{HEALTHY} has said nothing"),
        ({"history": [seen({SMOKED: "success"}), seen(WELL, "platform/environments/staging/kustomization.yaml", commit=OLD)]}, NotYet, HEALTHY),
        ({"history": [seen({SMOKED: "success"}), seen(WELL, "platform/monitoring/x.yaml", commit=OLD)]}, Move, ""),
        ({"history": [seen({}), seen(WELL, "platform/monitoring/x.yaml", commit=OLD)]}, NotYet, f"{SMOKED} has said nothing"),
        ({"history": [seen({SMOKED: "failure"}), seen(WELL, "docs/x.md", commit=OLD)]}, NotYet, f"{SMOKED} says failure"),
    ],
)  # fmt: skip
def test_decision(changes: dict[str, object], kind: type, word: str) -> None:
    decision = decide(replace(READY, **changes))  # type: ignore[arg-type]

    assert type(decision) is kind, decision
    assert word in getattr(decision, "reason", "")


@pytest.fixture
def released(platform: Platform) -> Platform:
    """Images are built and bumped; prod was never promoted."""
    platform.bump(platform.git("rev-parse", "HEAD"))
    platform.commit("Bump to 1.0.0")
    return platform


def go(platform: Platform, wanted: str = "main", statuses: Mapping[str, str] | None = None) -> str:
    """Promote, and commit what came of it as a merged pull request would. Returns the text, or the reason if nothing moved."""
    tip = platform.git("rev-parse", wanted)
    given = WELL if statuses is None else statuses
    done = promote(
        platform.root,
        wanted,
        main="main",
        statuses_of=lambda commit: words(given) if commit == tip else {},
        env=platform.env,
    )
    if done.moved:
        platform.commit("Promote")
    return done.body or done.reason


def test_the_first_promotion_pins_commit_and_leaves_every_other_character(released: Platform) -> None:
    commit = released.git("rev-parse", "HEAD")
    before = released.read("clusters/prod/pins.yaml")

    body = go(released)

    assert released.pins() == {"commit": commit, "monitoring": "1.2.0"}
    assert released.revisions("prod") == {
        ("prod-monitoring", "1.2.0"), ("prod-monitoring", commit), ("prod-openclaw", commit), ("prod-root", "main"),
    }  # fmt: skip
    assert released.read("clusters/prod/pins.yaml") == before.replace(f'"{NEVER}"', commit)
    assert released.git("show", "--name-only", "--format=").split() == ["clusters/prod/pins.yaml"]
    assert "never promoted" in body
    assert "- added `Deployment.apps openclaw-prod/brain`" in body


def test_a_promotions_own_merge_opens_nothing(released: Platform) -> None:
    go(released)

    assert "nothing that prod runs has changed" in go(released)
    assert released.git("log", "--format=%s", "-1") == "Promote"


def test_prompt_and_chart_move_together_and_the_text_shows_both(released: Platform) -> None:
    go(released)
    released.replace("platform/openclaw/base/prompt.md", "brief", "thorough")
    released.replace("clusters/base/monitoring.yaml", '"1.2.0"', '"1.3.0"')
    commit = released.commit("Be thorough, with @someone's <chart>")

    body = go(released)

    assert released.pins() == {"commit": commit, "monitoring": "1.3.0"}
    assert "| monitoring | stack | 1.2.0 | 1.3.0 |" in body
    assert "-    Be brief.\n+    Be thorough." in body
    assert "&lt;chart>" in body
    assert "@someone" not in body
    assert "revert the merge" in body


def test_a_revert_of_the_promotion_takes_prod_back_and_it_may_go_again(released: Platform) -> None:
    go(released)
    first = released.pins()
    released.replace("platform/openclaw/base/prompt.md", "brief", "wrong")
    released.commit("Break the prompt")
    go(released)
    released.git("revert", "--no-edit", "HEAD")

    assert released.pins() == first
    body = go(released)
    assert "Be wrong." in body  # it is offered again until main itself is mended: nobody forgets it there


def test_an_older_commit_is_no_way_back(released: Platform) -> None:
    older = released.git("rev-parse", "HEAD")
    released.replace("platform/openclaw/base/prompt.md", "brief", "kind")
    released.commit()
    go(released)

    with pytest.raises(CommandError, match="revert the promotion"):
        go(released, older)


def test_code_that_is_merged_before_its_bump_waits_for_it(released: Platform) -> None:
    go(released)
    released.write("apps/brain/brain.py", "print('new brain')\n")
    code = released.commit("Newer code")

    with pytest.raises(CommandError, match=r"apps/brain/brain.py has changed since") as stopped:
        go(released)
    assert stopped.value.code == 75
    released.bump(code, tag="1.1.0")
    bump = released.commit("Bump to 1.1.0")
    go(released)
    assert released.pins()["commit"] == bump


def test_a_release_with_a_missing_pin_stops_and_says_which(released: Platform) -> None:
    released.write("platform/part/daemonset.yaml", "image: quay.io/a/b:v1\n")
    released.replace("clusters/base/monitoring.yaml", '"1.2.0"', '"1.4.0"')
    released.commit("Take a chart and an image that nobody has looked up")

    with pytest.raises(CommandError) as stopped:
        go(released)
    assert stopped.value.code == 75
    assert "image quay.io/a/b:v1 (platform/part/daemonset.yaml)" in str(stopped.value)
    assert "chart stack 1.4.0 https://charts.example.com (platform/pins.yaml)" in str(stopped.value)
    assert released.pins()["commit"] == NEVER


def test_unreleased_images_are_never_promoted(platform: Platform) -> None:
    with pytest.raises(CommandError, match="no images have been built yet") as stopped:
        go(platform)
    assert stopped.value.code == 65
    assert platform.pins()["commit"] == NEVER


def test_a_child_that_differs_in_more_than_pins_is_refused(released: Platform) -> None:
    released.replace("clusters/base/monitoring.yaml", "chart: stack", "chart: other")
    released.commit()

    with pytest.raises(CommandError, match=r"monitoring takes stack in staging at .* and other in prod"):
        go(released, "main~1")


def test_a_child_that_staging_does_not_have_is_refused(released: Platform) -> None:
    released.write("clusters/base/new.yaml", released.read("clusters/base/openclaw.yaml").replace("openclaw", "new"))
    released.commit()

    with pytest.raises(CommandError, match="staging has no child new"):
        go(released, "main~1")


def test_a_version_that_prod_does_not_pin_is_refused(released: Platform) -> None:
    released.replace("clusters/prod/pins.yaml", 'monitoring: "1.2.0"', 'other: "1.2.0"')
    released.commit("By hand")

    with pytest.raises(CommandError, match=r"^clusters/prod/pins\.yaml: versions has no monitoring"):
        go(released)


def test_a_branch_is_no_pin(released: Platform) -> None:
    released.replace("clusters/prod/pins.yaml", f'"{NEVER}"', "main")
    released.commit("By hand")

    with pytest.raises(CommandError, match="main is no pin"):
        go(released)


def test_a_commit_aside_of_main_is_refused(released: Platform) -> None:
    released.git("switch", "--quiet", "--create", "side")
    released.replace("platform/openclaw/base/prompt.md", "brief", "rude")
    released.commit("Never merged")

    with pytest.raises(CommandError, match="is not on main"):
        go(released, "side")


def test_a_dry_run_writes_nothing(released: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert released.run("promote", "--main", "main", "--unverified", "--dry-run") == 0

    shown = capsys.readouterr()
    assert "Nobody asked staging" in shown.out
    assert "prod moves from never promoted to" in shown.err
    assert released.git("status", "--porcelain") == ""


def test_the_text_fits_into_a_pull_request(released: Platform) -> None:
    released.write("platform/openclaw/base/long.md", "a long line of a prompt\n" * 400)
    more = "".join(f"  - {{name: more{n}, files: [long.md]}}\n" for n in range(40))
    released.write(
        "platform/openclaw/base/kustomization.yaml", released.read("platform/openclaw/base/kustomization.yaml") + more
    )
    released.commit()

    body = go(released)
    assert 30_000 < len(body) <= 60_000
    assert re.search(r"Too long to show: \d+ objects\. `scripts/render prod` shows them\.$", body.strip())


def test_what_a_merged_pull_request_brought_is_listed_by_its_merge(released: Platform) -> None:
    go(released)
    released.git("switch", "--quiet", "--create", "side")
    released.replace("platform/openclaw/base/prompt.md", "brief", "kind")
    released.commit("A step of the work")
    released.git("switch", "--quiet", "main")
    released.git("merge", "--quiet", "--no-ff", "-m", "Merge the kind prompt", "side")

    body = go(released)
    assert "Merge the kind prompt" in body
    assert "A step of the work" not in body


def test_the_words_of_the_docs_are_those_of_the_code() -> None:
    assert set(promotion_rules.REQUIRED) == {"argocd/staging-openclaw", "smoke/staging"}
