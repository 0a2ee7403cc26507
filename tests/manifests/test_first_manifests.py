"""What the master applies before Argo CD is there: Terraform's templates, filled in here as modules/gitops does it."""

import re
from string import Template

import pytest
import yaml

from tests.manifests.object_checks import KUBERNETES, kubeconform
from tests.manifests.rendering import ROOT, Object

FOLDER = ROOT / "terraform/modules/gitops/manifests"
FILES = sorted(FOLDER.iterdir())
VALUES = {
    "endpoint": "api.openclaw-test.internal",
    "environment": "staging",
    "image": "registry.example/image:v1.2.3",
    "kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/mock",
    "name": "openclaw-test",
    "region": "eu-central-1",
    "repository": "https://github.com/example/openclaw",
    "revision": "main",
    "role_arn": "arn:aws:iam::111122223333:role/mock",
    "service_cidr": "10.96.0.0/16",
}


def objects(text: str) -> list[Object]:
    return list(yaml.safe_load_all(Template(text).substitute(VALUES)))


@pytest.mark.parametrize("core", KUBERNETES.values(), ids=KUBERNETES)
def test_what_the_master_applies_first_fits_its_schemas(core: str) -> None:
    found = [obj for path in FILES for obj in objects(path.read_text())]

    done = kubeconform(found, core)

    assert {"DaemonSet", "StorageClass", "Application"} <= {obj["kind"] for obj in found}
    assert done.returncode == 0, done.stdout


def test_a_field_that_nobody_knows_is_refused() -> None:
    text = (FOLDER / "storage-class.yaml.tftpl").read_text()

    done = kubeconform(objects(re.sub(r"^reclaimPolicy:", "reclaimsPolicy:", text, flags=re.M)))

    assert done.returncode != 0
    assert "reclaimsPolicy" in done.stdout
