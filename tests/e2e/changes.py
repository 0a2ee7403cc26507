"""Changes of objects that take something away, for `Cluster.changed`."""

from typing import Any


def nobody(workload: Any) -> None:
    """No pod of a Deployment or StatefulSet."""
    workload["spec"]["replicas"] = 0


def image_that_is_nowhere(template: Any) -> None:
    """Of a PodTemplate of agents."""
    template["template"]["spec"]["containers"][0]["image"] = "localhost/openclaw-agent:nowhere"
