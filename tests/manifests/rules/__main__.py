"""`python -m tests.manifests.rules`: each environment against each rule in a few seconds, one line for each fault with file and line.

The first part of `make check-manifests`: an author reads here what is wrong, while the slower checks still run.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.manifests.rendering import ENVIRONMENTS, ROOT, files_of, overlay, render
from tests.manifests.rules import RULES
from tests.manifests.rules.sources import chart_faults, patch_faults
from tests.manifests.rules.unrendered import sentence


def place(fault: str, environment: str, root: Path = ROOT) -> str:
    """`file:line` of what a fault speaks of: the first of its words that stands as a key in one of the object's files."""
    files = [
        file
        for file in files_of(fault.split(":")[0], root).split(", ")
        if f"overlays/{environment}/" in file or "/overlays/" not in file
    ] or ["platform"]
    files.sort(key=lambda file: "/overlays/" not in file)  # what an overlay says wins
    texts = {file: (root / file).read_text().splitlines() for file in files if (root / file).is_file()}
    label, _, rest = fault.partition(":")
    for word in [*re.findall(r"[A-Za-z_][\w.~/-]*\w", rest), label.partition("/")[2]]:
        key = re.compile(rf"(^|[\s\"/,{{]){re.escape(word).replace('/', '(/|~1)')}\"?\s*(:|=|$)")
        named = re.compile(rf"(name|key): {re.escape(word)}\s*(#.*)?$")
        for file, lines in texts.items():
            for number, line in enumerate(lines, 1):
                if not line.lstrip().startswith("#") and (key.search(line) or named.search(line)):
                    return f"{file}:{number}"
    return f"{files[0]}:1"


def faults() -> Iterator[str]:
    for environment in ENVIRONMENTS:
        yield from chart_faults(environment)
        try:
            objects = render(overlay(environment))
        except subprocess.CalledProcessError as exc:
            yield sentence(exc.stderr, environment)
            continue
        yield from patch_faults(environment, objects)
        for name, rule in RULES.items():
            try:
                found = list(rule(objects))
            except (KeyError, IndexError, ValueError, StopIteration) as exc:
                # A rule that cannot find its way is the rule's fault or a missing object's: say which, and look at the others.
                yield f"platform/openclaw/overlays/{environment}/kustomization.yaml:1: {name}: cannot be looked at, {type(exc).__name__}: {exc} is missing or has another form"
                continue
            yield from (f"{place(fault, environment)}: {name}: {fault}" for fault in found)


def main() -> int:
    try:
        found = list(dict.fromkeys(faults()))
    except pytest.skip.Exception as exc:
        print(f"*** {exc} ***", file=sys.stderr)
        return 0
    print("\n".join(found) or f"{len(RULES)} rules hold in {' and '.join(ENVIRONMENTS)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
