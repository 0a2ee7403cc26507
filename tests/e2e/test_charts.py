"""An API server takes what the charts of others become with our values, by server-side apply, as Argo CD hands it in.

Needs Helm, and a network or OPENCLAW_CHARTS with the charts in folders of their names; without them it is skipped, and fails if OPENCLAW_REQUIRE_CHARTS is set.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.cluster import kubectl, refuse_unless_disposable
from tests.manifests.rendering import ROOT, named, render
from tests.manifests.wiring import applications, part, sources

pytestmark = pytest.mark.timeout(600)
PARTS = sorted(
    name for name, app in applications("staging").items() if any("chart" in source for source in sources(app))
)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    given = os.environ.get("OPENCLAW_CHARTS")
    command = [
        str(ROOT / "scripts/render-charts"),
        "staging",
        "--into",
        str(folder),
        *(["--charts", given] if given else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=580)
    if done.returncode == 69 and not os.environ.get("OPENCLAW_REQUIRE_CHARTS"):
        pytest.skip(f"what an API server says of the charts is NOT checked: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def kinds(rendered: Path) -> Iterator[None]:
    """The namespaces and the kinds that the charts bring, for the time of the tests; what was there stays."""
    refuse_unless_disposable()
    policies = render(ROOT / "platform/policies")
    made = []
    for space in ("external-secrets", "monitoring"):
        if not kubectl("get", "namespace", space, "--ignore-not-found", "-o", "name").strip():
            kubectl("apply", "-f", "-", stdin=yaml.safe_dump(named(policies, "Namespace", space)))
            made.append(f"namespace/{space}")
    for file in sorted(rendered.glob("*.yaml")):
        for text in documents(file):
            if "\nkind: CustomResourceDefinition\n" not in f"\n{text}\n":
                continue
            name = next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("  name:"))
            if not kubectl("get", "crd", name, "--ignore-not-found", "-o", "name").strip():
                kubectl("apply", "--server-side", "-f", "-", stdin=text)
                made.append(f"customresourcedefinition/{name}")
    try:
        yield
    finally:
        if made:
            kubectl("delete", "--ignore-not-found", "--timeout=120s", *made, timeout_s=150)


def documents(file: Path) -> list[str]:
    return [text for text in f"\n{file.read_text()}".split("\n---\n") if "kind:" in text]


@pytest.mark.parametrize("name", PARTS)
def test_an_api_server_takes_the_chart(name: str, rendered: Path, kinds: None, tmp_path: Path) -> None:
    app = applications("staging")[name]
    assert part(app) == name
    texts = [
        text for text in documents(rendered / f"staging-{name}.yaml") if "kind: CustomResourceDefinition" not in text
    ]
    assert texts, "a chart that renders nothing would be nothing to refuse"

    # An object without a namespace goes to the Application's, as with Argo CD; `-n` would refuse those that name another.
    view = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    view["contexts"][0]["context"]["namespace"] = app["spec"]["destination"]["namespace"]
    config = tmp_path / "kubeconfig"
    config.write_text(yaml.safe_dump(view))
    config.chmod(0o600)
    taken = kubectl(
        "--kubeconfig", str(config), "apply", "--server-side", "--dry-run=server", "-f", "-", stdin="\n---\n".join(texts), timeout_s=120,
    )  # fmt: skip

    assert len(taken.splitlines()) >= len(texts)
