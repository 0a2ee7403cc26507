"""The comment on a pull request: by object, without secrets, never too long for GitHub."""

import json

import pytest

from openclaw_gitops import diff
from openclaw_gitops.kustomize import Manifest
from tests.gitops.conftest import Platform


def config(name: str, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data}


def shown(old: list[Manifest], new: list[Manifest]) -> str:
    return diff.markdown("staging", diff.changes(old, new, salt="s"), base="main")


def test_a_changed_prompt_shows_as_lines_of_one_object(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.write("platform/openclaw/base/prompt.md", "Be brief.\nBe kind.\n")

    assert platform.run("diff", "staging", "HEAD") == 0
    comment = capsys.readouterr().out
    assert "### staging: 2 changed" in comment
    assert "- changed `ConfigMap openclaw-staging/prompts`" in comment
    assert "\n+    Be kind.\n" in comment
    assert "changed `Deployment.apps openclaw-staging/brain`" in comment  # it mounts the new name
    assert "1 charts and manifests from elsewhere are not rendered" in comment
    assert platform.git("worktree", "list").count("\n") == 0


def test_an_untouched_environment_says_so(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.write("docs/page.md", "words\n")

    assert platform.run("diff", "prod", "HEAD") == 0
    assert "### prod: nothing changes" in capsys.readouterr().out


def test_a_new_chart_version_shows_in_the_environments_own_wiring(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.replace("clusters/base/monitoring.yaml", '"1.2.0"', '"1.3.0"')

    assert platform.run("diff", "staging", "HEAD") == 0
    assert "+    targetRevision: 1.3.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environment", "base", "code"), [("test", "HEAD", 64), ("staging", "nowhere", 65), ("staging", "--help", 65)]
)
def test_unknown_names_are_refused(platform: Platform, environment: str, base: str, code: int) -> None:
    assert platform.run("diff", environment, "--", base) == code


def test_a_folder_that_does_not_build_is_refused_with_kustomizes_words(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.write("platform/openclaw/base/kustomization.yaml", "resources: [missing.yaml]\n")

    assert platform.run("diff", "staging", "HEAD") == 65
    assert "missing.yaml" in capsys.readouterr().err
    assert platform.git("worktree", "list").count("\n") == 0


def test_objects_that_come_and_go_are_told_apart() -> None:
    comment = shown([config("old", a="1")], [config("new", a="1")])

    assert "### staging: 1 added, 1 removed" in comment
    assert "- added `ConfigMap n/new`\n- removed `ConfigMap n/old`" in comment


def test_objects_of_one_name_in_two_groups_are_two_objects() -> None:
    one = {"apiVersion": "a.io/v1", "kind": "Thing", "metadata": {"name": "x"}}

    assert "added `Thing.b.io x`" in shown([one], [one, {**one, "apiVersion": "b.io/v1"}])


MARKER = "hunter2-marker"


@pytest.mark.parametrize(
    "secret",
    [
        {"kind": "Secret", "metadata": {"name": "s"}, "data": {"x": MARKER}, "stringData": {"y": MARKER}},
        {
            "kind": "Secret",
            "metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": MARKER}},
            "data": {"x": MARKER},
        },
        config("c", GROQ_API_KEY=MARKER),
        config("c", password=MARKER),
        config("c", **{"app.yaml": f"user: bot\n  db-password: {MARKER}\n"}),
        config("c", **{"app.json": f'{{\n  "apiKey": "{MARKER}"\n}}'}),
        config("c", **{"redis.conf": f"port 6379\nrequirepass {MARKER}"}),
        {
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"env": [{"name": "TELEGRAM_TOKEN", "value": MARKER}]}]},
        },
        config("c", note=f"use 123456789:{MARKER}{'a' * 30} for the bot"),
        config("c", note=f"-----BEGIN RSA PRIVATE KEY-----\n{MARKER}\n-----END RSA PRIVATE KEY-----"),
    ],
    ids=[
        "data",
        "annotation",
        "setting",
        "key in small letters",
        "yaml",
        "json",
        "redis",
        "environment",
        "token",
        "key",
    ],
)
def test_secrets_are_masked_and_a_changed_one_still_shows(secret: Manifest) -> None:
    other = json.loads(json.dumps(secret).replace(MARKER, "other-marker"))

    assert MARKER not in shown([], [secret])
    changed = shown([secret], [other])
    assert MARKER not in changed
    assert "other-marker" not in changed
    assert "1 changed" in changed


def test_names_of_secrets_and_of_files_that_hold_them_are_no_secrets() -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"volumes": [{"secret": {"secretName": "telegram"}}]}}

    assert "secretName: telegram" in shown([], [pod])
    roles = "max_tokens: 900\nrouter: a token bucket: it fills\n"
    assert roles.splitlines()[0] in shown([], [config("c", **{"roles.yaml": roles})])
    assert "/run/secrets/token" in shown([], [config("c", TELEGRAM_TOKEN_FILE="/run/secrets/token")])


def test_masks_tell_nothing_across_two_comments() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"x": MARKER}}

    [one] = diff.changes([], [secret], salt="one")
    [other] = diff.changes([], [secret], salt="other")
    assert one.diff != other.diff


def test_a_comment_is_never_longer_than_github_takes_and_names_what_it_leaves_out() -> None:
    many = [config(f"c{n:03}", text="\n".join(f"line {n} {m}" for m in range(100))) for n in range(300)]

    comment = shown([], many)
    assert len(comment) <= diff.COMMENT_MAX_CHARS
    assert "### staging: 300 added" in comment
    assert "and 100 more" in comment
    shown_count = comment.count("<details>")
    assert 10 < shown_count < 300
    assert f"Too long to show: {300 - shown_count} objects. `scripts/diff staging main --all`" in comment
    assert comment.count("<details>") == comment.count("</details>")


def test_one_huge_object_does_not_hide_the_small_ones_after_it() -> None:
    comment = shown([], [config("a", text="\n".join("x" * 80 for _ in range(1000))), config("b", text="small")])

    assert "<code>ConfigMap n/b</code>" in comment
    assert "Too long to show: 1 objects" in comment


def test_markdown_inside_a_prompt_does_not_end_the_block() -> None:
    comment = shown([], [config("prompts", coder="Answer so:\n```python\nprint()\n```\n")])

    fence = next(line for line in comment.splitlines() if line.endswith("`diff"))
    assert fence == "````diff"


def test_a_name_cannot_bring_markup_into_the_comment() -> None:
    evil = config("x`</code><img src=y>`")

    assert "<img" not in shown([], [evil]).split("```diff")[0]


def test_a_text_with_an_emoji_shows_as_lines_too() -> None:
    def roles(text: str) -> Manifest:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "roles"}, "data": {"roles.yaml": text}}

    [change] = diff.changes([roles("coder:\n  emoji: 👨‍💻\n")], [roles("coder:\n  emoji: 🤓\n")], salt="x")

    assert "+      emoji: 🤓" in change.diff
