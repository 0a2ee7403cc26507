"""Bad changes, each a file that patches staging or adds to it, and the rule that must refuse it by name."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.manifests.object_checks import kubeconform
from tests.manifests.rendering import ROOT, copy_of_the_tree, label, overlay, render
from tests.manifests.rules import RULES

FIXTURES = sorted((ROOT / "tests/fixtures/invalid/manifests").glob("*.yaml"))


@cache
def staging() -> frozenset[str]:
    """What a change can patch; whatever else it names, it adds. Hashes of ConfigMaps are left out."""
    return frozenset(re.sub(r"-[a-z0-9]{10}$", "", label(obj)) for obj in render(overlay("staging")))


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_bad_change_is_refused_by_the_rule_that_it_breaks(fixture: Path, tmp_path: Path) -> None:
    rule = fixture.read_text().splitlines()[0].removeprefix("# refused by: ")
    known = staging()
    change = yaml.safe_load(fixture.read_text())
    # kustomize wants relative paths, and a patch's file inside the folder that it builds.
    base = copy_of_the_tree(tmp_path) / "platform"
    folder = base / "openclaw/overlays/changed"
    folder.mkdir()
    shutil.copy(fixture, folder / "change.yaml")
    patched = label(change) in known
    resources = ["../staging", *([] if patched else ["change.yaml"])]
    kustomization = {"resources": resources, "namespace": "openclaw-staging"} | (
        {"patches": [{"path": "change.yaml"}]} if patched else {}
    )
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    objects = render(folder)

    if rule == "kubeconform":
        refused = kubeconform(objects)
        assert refused.returncode != 0
        assert change["metadata"]["name"] in refused.stdout
    else:
        refusals = list(RULES[rule](objects))
        assert any(label(change) in refusal for refusal in refusals), refusals


def test_every_rule_has_a_change_that_it_refuses() -> None:
    refused = {path.read_text().splitlines()[0].removeprefix("# refused by: ") for path in FIXTURES}
    changes = (ROOT / "tests/fixtures/invalid/changes").glob("*.yaml")  # tests/refused runs these
    refused |= {said for path in changes for said in yaml.safe_load(path.read_text())["says"]}

    assert sorted(set(RULES) - refused) == []
