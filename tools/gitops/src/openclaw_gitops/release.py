"""`bump`: write the tag, digests and commit of a build into the one file that says which images run."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.checkout import Checkout
from openclaw_gitops.digests import is_real_sha256
from openclaw_gitops.errors import REFUSED, CommandError
from openclaw_gitops.scalars import scalar

FILE = "platform/openclaw/components/release/kustomization.yaml"
BUILT_FROM = "openclaw.io/built-from"
IMAGES = ("openclaw-agent", "openclaw-brain", "openclaw-runner")
FIRST_IMAGES = IMAGES[:2]
"""Of releases that were written before there was a runner: prod may still have one."""
UNRELEASED = "unreleased"
ZEROS = "sha256:" + "0" * 64
BUILT_PATHS = ("apps/", "packages/", "requirements/")
"""What the images are built from."""
BEFORE = {name: f"before.{name.removeprefix('openclaw-')}" for name in IMAGES}
"""For each image the key of the admission policy's parameter that names the builds before."""
NONE = "none"
BEFORE_MAX = 10
"""Builds that a cluster still runs beside the newest: prod may be some behind staging when it moves."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One build of all images."""

    built_from: str
    tag: str
    digests: Mapping[str, str] = field(hash=False)
    before: Mapping[str, tuple[str, ...]] = field(hash=False, default_factory=dict)
    """By image the builds before this one, newest first, each as tag@digest."""

    @property
    def is_built(self) -> bool:
        return self.tag != UNRELEASED


def read(text: str) -> Release:
    """The release that *text* holds. Raises CommandError unless it is a real build, or as a whole the one before the first."""
    body = yaml.safe_load(text)
    images = {image["name"]: image for image in body.get("images", [])}
    if set(images) not in (set(IMAGES), set(FIRST_IMAGES)):
        raise CommandError(REFUSED, f"{FILE} must name exactly {' and '.join(IMAGES)}")
    release = Release(
        built_from=str(body.get("metadata", {}).get("annotations", {}).get(BUILT_FROM, "")),
        tag=str(images[IMAGES[0]].get("newTag", "")),
        digests={name: str(images[name].get("digest", "")) for name in images},
        before=_before(body, images),
    )
    tags = {str(image.get("newTag", "")) for image in images.values()}
    if tags == {UNRELEASED} and set(release.digests.values()) == {ZEROS} and release.built_from == UNRELEASED:
        if any(release.before.values()):
            raise CommandError(REFUSED, f"{FILE}: before the first build there is none that an image could go back to")
        return release
    if len(tags) != 1:
        raise CommandError(REFUSED, f"{FILE}: all images come from one build and have one tag")
    try:
        check(release)
    except CommandError as exc:
        raise CommandError(exc.code, f"{FILE}: {exc}") from None
    return release


def check(release: Release) -> None:
    """Raises CommandError unless *release* can have come out of a build."""
    if release.tag in (UNRELEASED, "latest") or not _TAG.fullmatch(release.tag):
        raise CommandError(REFUSED, f"{release.tag or 'nothing'} is no tag of a build")
    if not _SHA.fullmatch(release.built_from) or not release.built_from.strip("0"):
        raise CommandError(
            REFUSED, f"{release.built_from or 'nothing'} is not the commit that the images were built from: 40 digits"
        )
    for name, digest in release.digests.items():
        if not is_real_sha256(digest):
            raise CommandError(
                REFUSED,
                f"{digest or 'nothing'} is not the digest of {name}: take it from the registry's answer to the push",
            )
    for name, builds in release.before.items():
        for build in builds:
            tag, _, digest = build.partition("@")
            if not _TAG.fullmatch(tag) or not is_real_sha256(digest):
                raise CommandError(REFUSED, f"{build} is no earlier build of {name}: only scripts/bump writes these")


def _before(body: Any, images: Iterable[str]) -> dict[str, tuple[str, ...]]:
    keys = {name: BEFORE[name] for name in images}
    found = dict(literal.split("=", 1) for literal in body["configMapGenerator"][0]["literals"])
    if set(found) != set(keys.values()):
        raise CommandError(REFUSED, f"{FILE} must name exactly {' and '.join(keys.values())}")
    return {name: tuple(part for part in found[key].split(" ") if part != NONE) for name, key in keys.items()}


def after(old: Release, new: Release) -> Release:
    """*new*, with the build of *old* as the newest of those before it."""
    before = {}
    for name in IMAGES:
        was = [f"{old.tag}@{old.digests[name]}"] if old.is_built and name in old.digests else []
        builds = dict.fromkeys([*was, *old.before.get(name, ())])
        before[name] = tuple(each for each in builds if each != f"{new.tag}@{new.digests[name]}")[:BEFORE_MAX]
    return replace(new, before=before)


def written(text: str, release: Release) -> str:
    """*text* with *release* in it, and every other character as it was. Raises CommandError if anything else would change."""
    values: list[tuple[tuple[str | int, ...], str]] = [(("metadata", "annotations", BUILT_FROM), release.built_from)]
    for place, image in enumerate(yaml.safe_load(text)["images"]):
        values += [
            (("images", place, "newTag"), release.tag),
            (("images", place, "digest"), release.digests[image["name"]]),
        ]
    literals = yaml.safe_load(text)["configMapGenerator"][0]["literals"]
    for place, literal in enumerate(literals):
        name = next(name for name, key in BEFORE.items() if literal.startswith(f"{key}="))
        builds = " ".join(release.before[name]) or NONE
        values.append((("configMapGenerator", 0, "literals", place), f"{BEFORE[name]}={builds}"))
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    spots = sorted(((_node(tree, path), value) for path, value in values), key=lambda spot: -spot[0].start_mark.index)
    new = text
    for node, value in spots:
        new = new[: node.start_mark.index] + scalar(value) + new[node.end_mark.index :]
    if _others(new) != _others(text) or read(new) != release:
        raise CommandError(REFUSED, f"{FILE} has an unusual form: nothing was written")
    return new


def _node(tree: yaml.Node | None, path: tuple[str | int, ...]) -> yaml.Node:
    for step in path:
        if isinstance(step, int) and isinstance(tree, yaml.SequenceNode):
            tree = tree.value[step]
        elif isinstance(tree, yaml.MappingNode):
            tree = next((value for key, value in tree.value if key.value == step), None)
        if tree is None:
            raise CommandError(REFUSED, f"{FILE} has no {step}")
    assert tree is not None  # noqa: S101 - for the type checker: the loop has ended with a node
    return tree


def _others(text: str) -> Any:
    """Everything but what a bump may write."""
    body = yaml.safe_load(text)
    body["metadata"]["annotations"].pop(BUILT_FROM)
    body["configMapGenerator"][0].pop("literals")
    body["images"] = [{k: v for k, v in image.items() if k not in ("newTag", "digest")} for image in body["images"]]
    return body


def bump(root: Path, release: Release) -> bool:
    """Write *release*, and nothing else. Whether anything changed.

    Raises CommandError if the values are not those of a build, or if the checkout holds any other change. Raises it too if the
    images were built from a commit that is not in this history: a late bump must not undo a newer one.
    """
    check(release)
    checkout = Checkout(root=root)
    if foreign := [path for path in checkout.uncommitted() if path != FILE]:
        raise CommandError(
            REFUSED, f"a bump changes {FILE} and nothing else, but {foreign[0]} differs too: commit or drop it first"
        )
    if not checkout.knows(release.built_from) or not checkout.is_ancestor(release.built_from, "HEAD"):
        raise CommandError(
            REFUSED, f"{release.built_from} is no ancestor of HEAD: the images were built from another history"
        )
    file = root / FILE
    old_text = file.read_text()
    old = read(old_text)
    if (
        old.is_built
        and checkout.knows(old.built_from)
        and old.built_from != release.built_from
        and checkout.is_ancestor(release.built_from, old.built_from)
    ):
        raise CommandError(
            REFUSED,
            f"the images of {old.built_from[:12]} are newer than those of {release.built_from[:12]}: to go back, revert the bump",
        )
    new_text = written(old_text, after(old, release))
    file.write_text(new_text)
    return new_text != old_text
