"""What every environment must be, one function a rule; importing a module here puts its rules into RULES."""

from tests.manifests.rules import access, network, settings, sums, workloads
from tests.manifests.rules.access import CLUSTER_SCOPED
from tests.manifests.rules.registry import RULES

__all__ = ["CLUSTER_SCOPED", "RULES", "access", "network", "settings", "sums", "workloads"]
