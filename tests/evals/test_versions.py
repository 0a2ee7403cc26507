"""The two versions of a comparison are what stands in Git and in the work tree."""

from pathlib import Path

import pytest

from openclaw_cli.eval.answers.versions import FOLDER, at_revision, changed_roles, with_canaries, work_tree
from openclaw_core.errors import SettingsError
from tests.evals.answer_values import change_canary, change_prompt, commit, git, repository


def test_a_changed_prompt_is_a_changed_role_and_no_other_is(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    change_prompt(folder, "coder", "\nBe brief.")

    before, after = at_revision(folder, "main"), work_tree(folder)

    assert changed_roles(before, after) == ("coder",)
    assert after.roles.roles["coder"].prompt == before.roles.roles["coder"].prompt + "\n\nBe brief."


def test_a_changed_setting_is_a_changed_role(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    path = folder / FOLDER / "config/roles.yaml"
    path.write_text(path.read_text().replace("max_answer_tokens: 1200", "max_answer_tokens: 1100"))

    assert changed_roles(at_revision(folder, "main"), work_tree(folder)) == ("summarizer",)


def test_what_others_merged_since_is_not_judged(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    git(folder, "checkout", "-q", "-b", "mine")
    change_prompt(folder, "coder", "\nMine.")
    commit(folder)
    git(folder, "checkout", "-q", "main")
    change_prompt(folder, "researcher", "\nTheirs.")
    commit(folder)
    git(folder, "checkout", "-q", "mine")

    assert changed_roles(at_revision(folder, None), work_tree(folder)) == ("coder",)
    assert changed_roles(at_revision(folder, None, of="main"), at_revision(folder, "main")) == ()
    assert changed_roles(at_revision(folder, "main"), work_tree(folder)) == ("researcher", "coder")


def test_a_version_is_named_by_a_short_commit(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    commit_id = git(folder, "rev-parse", "HEAD")

    assert at_revision(folder, commit_id).name == commit_id[:8]
    assert at_revision(folder, "main").name == f"main ({commit_id[:8]})"


def test_one_model_takes_the_place_of_the_roles_models_and_the_prompt_stays_whole(tmp_path: Path) -> None:
    version = work_tree(repository(tmp_path))

    snapshot = version.snapshot("coder", "some/model")

    assert snapshot is not None
    assert snapshot.models == ("some/model",)
    assert snapshot.prompt == version.roles.roles["coder"].prompt
    assert snapshot.functions == version.roles.roles["coder"].functions


def test_a_commit_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no commit 'nowhere'"):
        at_revision(repository(tmp_path), "nowhere")


def test_a_canary_that_begins_is_judged_once_and_not_beside_a_change_of_the_own_prompt(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    before = work_tree(folder)
    change_canary(folder, "coder", "\nBe new.")
    tried = with_canaries(before, work_tree(folder), ["coder"])
    work_tree_then = work_tree(folder)
    of_another_role = with_canaries(before, work_tree_then, ["summarizer"])
    commit(folder)
    kept = with_canaries(at_revision(folder, "HEAD"), work_tree(folder), ["coder"])
    change_prompt(folder, "coder", "\nBe new too.")

    assert changed_roles(before, tried) == ("coder",)
    assert tried.roles.roles["coder"].prompt.endswith("Be new.")
    assert tried.name == "work tree, canary of coder"
    assert of_another_role == work_tree_then
    assert changed_roles(at_revision(folder, "HEAD"), kept) == ()
    with pytest.raises(SettingsError, match="one after the other"):
        with_canaries(before, work_tree(folder), ["coder"])


def test_a_link_to_a_file_of_this_machine_is_refused_with_its_commit(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    prompt = folder / FOLDER / "prompts/coder.md"
    prompt.unlink()
    prompt.symlink_to("/proc/self/environ")
    commit(folder)

    with pytest.raises(SettingsError, match=r"coder\.md"):
        at_revision(folder, "HEAD")


def test_a_revision_is_never_an_option_of_git(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no commit"):
        at_revision(repository(tmp_path), "--output=x")


def test_roles_that_this_code_cannot_read_are_told_with_their_commit(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    path = folder / FOLDER / "config/roles.yaml"
    path.write_text(path.read_text() + "\nunheard_of: 1\n")
    commit(folder)

    with pytest.raises(SettingsError, match="cannot be read by this code"):
        at_revision(folder, "main")
