"""What kubeconform and checkov say of objects."""

import json
import re
import subprocess
from pathlib import Path

import yaml

from tests.manifests.rendering import ROOT, Object, files_of, tool

SCHEMAS = ROOT / "tests/schemas"
KUBERNETES = {"the one that runs": "core", "the one before": "core-1.36"}


def kubeconform(objects: list[Object], core: str = "core") -> "subprocess.CompletedProcess[str]":
    """Strict, and a kind without a schema is an error: nothing is skipped."""
    places = (
        f"{core}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
    )
    schemas = [word for place in places for word in ("-schema-location", str(SCHEMAS / place))]
    return subprocess.run(
        [tool("kubeconform"), "-strict", "-summary", *schemas, "-"],
        input=yaml.safe_dump_all(objects),
        capture_output=True,
        text=True,
        check=False,
    )


def refusals(output: str) -> str:
    """kubeconform's lines, each with the files that it speaks of."""
    lines = []
    for line in output.splitlines():
        spoken_of = re.match(r"stdin - (\w+) (\S+) ", line)
        lines.append(f"{files_of('/'.join(spoken_of.groups()))}: kubeconform: {line}" if spoken_of else line)
    return "\n".join(lines)


def checkov(objects: list[Object], folder: Path) -> dict[str, list[dict[str, object]]]:
    """Checks by outcome. Rendered first: checkov's own kustomize runner skips in silence where a tool is missing."""
    file = folder / "rendered.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    done = subprocess.run(
        [tool("checkov"), "--framework", "kubernetes", "--skip-download", "-o", "json", "-f", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    results: dict[str, list[dict[str, object]]] = json.loads(done.stdout)["results"]
    return results
