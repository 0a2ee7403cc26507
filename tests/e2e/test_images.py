"""What the images weigh, from inside them."""

import pytest

from tests.e2e.bystanders import bystander, namespace
from tests.e2e.world import World
from tests.test_images import final

pytestmark = pytest.mark.timeout(120)

AGENT_MB = 25
"""Design section 6: what has to be pulled to a node that has the base already."""

_PACK = """
import sys, tarfile
class Scale:
    weight = 0
    def write(self, data):
        self.weight += len(data)
        return len(data)
scale = Scale()
with tarfile.open(fileobj=scale, mode="w|gz") as layers:
    for path in sys.argv[1:]:
        layers.add(path)
print(scale.weight)
"""


def test_an_agent_is_soon_pulled(world: World) -> None:
    paths = [rest.split()[-1] for word, rest in final("agent") if word == "COPY"]
    image = {"image": "localhost/openclaw-agent:test"}

    with namespace("openclaw-e2e"), bystander("openclaw-e2e", "scales", container=image) as pod:
        weight_mb = int(pod.python(_PACK, *paths)) / 1e6

    print(f"the agent image's own layers: {weight_mb:.1f} MB compressed")
    assert {"/app/venv", "/app/src"} < set(paths)
    assert weight_mb <= AGENT_MB
