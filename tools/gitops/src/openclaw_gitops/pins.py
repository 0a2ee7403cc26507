"""Find and write pins: the images, charts, files and machine images of others, each with its digest or without."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from openclaw_gitops.digests import is_real_sha256
from openclaw_gitops.environments import applications, settings
from openclaw_gitops.errors import REFUSED, CommandError
from openclaw_gitops.scalars import scalar

PinKind = Literal["image", "chart", "file", "machine"]

CHARTS = "platform/pins.yaml"
"""Argo CD takes charts by version; their checksums are here, so that a version that is published anew does not pass unseen."""

_IMAGE_FILES = (
    "platform/**/*.yaml",
    "clusters/**/*.yaml",
    "terraform/modules/**/*.yaml",
    "terraform/modules/**/*.tftpl",
    "apps/*/Dockerfile",
)
_IMAGE = re.compile(
    r"""(?:\bimage:[ ]*["']?|_IMAGE=|^FROM[ ]+(?:--\S+[ ]+)?|--from=)(?P<name>[a-z0-9][\w./-]*(?::\d+/[\w./-]+)?:[\w][\w.-]*)(?P<digest>@[\w:]+)?(?![\w./$\\{-])""",
    re.MULTILINE,
)
_OURS = re.compile(r"(^|/)openclaw-(brain|agent):")
_MACHINE = re.compile(r'^ami_id *= *"(?P<id>[^"]*)".*$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One thing that is pinned in one file. *known* is its digest (an id, for a machine image), empty while nobody has looked it up."""

    kind: PinKind
    name: str
    file: str
    known: str
    at: tuple[int, int] = (0, 0)
    """Where the digest goes in the file as it was read, for kinds that have a place of their own."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.file})"

    @property
    def is_sound(self) -> bool:
        """Whether *known* can be what it says: looked up, or not there yet."""
        if not self.known:
            return True
        if self.kind == "machine":
            return bool(re.fullmatch(r"ami-[0-9a-f]{8}(?:[0-9a-f]{9})?", self.known)) and len(set(self.known[4:])) > 3
        return is_real_sha256(self.known)


def pins(root: Path) -> list[Pin]:
    """All pins, in the order of their files."""
    found = [*_images(root), *_charts(root), *_files(root), *_machines(root)]
    return sorted(found, key=lambda pin: (pin.file, pin.kind, pin.name))


def pin_faults(found: list[Pin]) -> list[str]:
    """What is wrong with pins that are there."""
    bad = [f"{pin}: {pin.known} is no digest that anybody could have looked up" for pin in found if not pin.is_sound]
    by_name: dict[str, set[str]] = {}
    for pin in found:
        if pin.kind == "image":
            by_name.setdefault(pin.name, set()).add(pin.known)
    return bad + [
        f"image {name} has different digests in different files"
        for name, known in by_name.items()
        if len(known - {""}) > 1
    ]


def _images(root: Path) -> Iterator[Pin]:
    for pattern in _IMAGE_FILES:
        for path in root.glob(pattern):
            if ".terraform" in path.parts:
                continue
            file = path.relative_to(root).as_posix()
            seen: dict[str, Pin] = {}
            for match in _IMAGE.finditer(path.read_text()):
                if not _OURS.search(match["name"]):
                    pin = Pin(kind="image", name=match["name"], file=file, known=(match["digest"] or "")[1:])
                    # Two mentions of an image, one of them without a digest, are one pin that is missing.
                    seen[pin.name] = min(seen.get(pin.name, pin), pin, key=lambda each: bool(each.known))
            yield from seen.values()


def _charts(root: Path) -> Iterator[Pin]:
    known = known_charts(root)
    names = {
        f"{source.chart} {source.revision} {source.repository}"
        for environment in ("staging", "prod")
        for app in applications(root, environment)
        for source in app.sources
        if source.chart
    }
    return (Pin(kind="chart", name=name, file=CHARTS, known=known.get(name, "")) for name in sorted(names))


def known_charts(root: Path) -> dict[str, str]:
    """Checksums by `chart version repository`."""
    file = root / CHARTS
    return (yaml.safe_load(file.read_text()) or {}).get("charts") or {} if file.exists() else {}


def _files(root: Path) -> Iterator[Pin]:
    """Mappings with a `url` and a `sha256`, empty until it is looked up."""
    for path in root.glob("terraform/modules/**/pins.yaml"):
        tree = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
        for node in tree.value if isinstance(tree, yaml.MappingNode) else ():
            entries = (
                {key.value: value for key, value in node[1].value} if isinstance(node[1], yaml.MappingNode) else {}
            )
            if "url" in entries and "sha256" in entries:
                value = entries["sha256"]
                yield Pin(
                    kind="file", name=entries["url"].value, file=path.relative_to(root).as_posix(),
                    known=f"sha256:{value.value}" if value.value else "", at=(value.start_mark.index, value.end_mark.index),
                )  # fmt: skip


def _machines(root: Path) -> Iterator[Pin]:
    for path in root.glob("terraform/environments/*/terraform.tfvars"):
        environment = path.parent.name
        region = settings(root, environment).get("region", "")
        match = _MACHINE.search(path.read_text())
        file = path.relative_to(root).as_posix()
        yield Pin(kind="machine", name=f"Debian 12 amd64 in {region}", file=file, known=match["id"] if match else "")


def write_pin(root: Path, pin: Pin, value: str) -> None:
    """Put *value* where *pin* was missing. Raises CommandError if it is no digest."""
    looked_up = Pin(kind=pin.kind, name=pin.name, file=pin.file, known=value)
    if not value or not looked_up.is_sound:
        raise CommandError(REFUSED, f"{pin}: what was looked up is no digest")
    path = root / pin.file
    if pin.kind == "chart":
        _write_chart(root, pin.name, value)
        return
    text = path.read_text()
    if pin.kind == "image":
        new = _IMAGE.sub(
            lambda match: (
                f"{match.group()}@{value}" if match["name"] == pin.name and not match["digest"] else match.group()
            ),
            text,
        )
    elif pin.kind == "file":
        # Looked up anew: what was written before it has moved it.
        [(start, end)] = [each.at for each in _files(root) if (each.file, each.name) == (pin.file, pin.name)]
        new = text[:start] + value.removeprefix("sha256:") + text[end:]
    else:
        line = f'ami_id = "{value}"'
        new = (
            _MACHINE.sub(line, text)
            if _MACHINE.search(text)
            else re.sub(r"(\A(?:#.*\n)*)", rf"\g<1>{line}\n", text, count=1)
        )
    path.write_text(new)


def _write_chart(root: Path, name: str, value: str) -> None:
    """Add one checksum; those of versions that nobody uses any more go."""
    used = {pin.name for pin in _charts(root)}
    known = {**known_charts(root), name: value}
    lines = [f"  {scalar(key)}: {known[key]}" for key in sorted(known) if key in used]
    file = root / CHARTS
    head = re.match(r"(?:#.*\n|\n)*", file.read_text() if file.exists() else "")
    file.write_text((head.group() if head else "") + "charts:\n" + "\n".join(lines) + "\n")
