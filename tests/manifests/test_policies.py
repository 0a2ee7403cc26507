"""Cluster-scoped objects: bound by label, closed when their parameters are missing, without drift."""

import copy

from tests.manifests.rendering import ENVIRONMENTS, Object, named, of_kind
from tests.manifests.rules import CLUSTER_SCOPED, RULES


def test_policies_hold_cluster_scoped_objects_only(policies: list[Object]) -> None:
    assert {obj["kind"] for obj in policies} == {
        "Namespace",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert {obj["kind"] for obj in policies} <= CLUSTER_SCOPED


def test_namespace_enforces_pod_security_and_our_policies(policies: list[Object]) -> None:
    for environment in ENVIRONMENTS:
        labels = named(policies, "Namespace", f"openclaw-{environment}")["metadata"]["labels"]

        assert labels["openclaw.io/agents"] == "enforced"
        for mode in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
            assert labels[f"pod-security.kubernetes.io/{mode}-version"].startswith("v1.")


def test_no_namespace_goes_with_its_application(policies: list[Object]) -> None:
    """Argo CD's own among them: it would take away what is deleting it."""
    for space in of_kind(policies, "Namespace"):
        assert space["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=confirm,Delete=false"


def test_each_policy_fails_closed_and_is_bound_by_the_label(policies: list[Object]) -> None:
    bindings = {obj["spec"]["policyName"]: obj["spec"] for obj in of_kind(policies, "ValidatingAdmissionPolicyBinding")}
    found = of_kind(policies, "ValidatingAdmissionPolicy")

    assert {policy["metadata"]["name"] for policy in found} == set(bindings)
    for policy in found:
        binding = bindings[policy["metadata"]["name"]]
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert binding["validationActions"] == ["Deny"]
        assert binding["matchResources"]["namespaceSelector"] == {"matchLabels": {"openclaw.io/agents": "enforced"}}
        if "paramKind" in policy["spec"]:
            assert binding["paramRef"]["parameterNotFoundAction"] == "Deny"
            assert "namespace" not in binding["paramRef"], "the parameters are those of the Job's own namespace"


def test_defaults_of_policies_are_spelled_out(policies: list[Object]) -> None:
    for obj in of_kind(policies, "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        match = obj["spec"].get("matchConstraints") or obj["spec"]["matchResources"]
        assert match["matchPolicy"] == "Equivalent"
        assert "namespaceSelector" in match
        assert match["objectSelector"] == {}
        for item in match.get("resourceRules", []):
            assert "scope" in item


def test_settings_that_make_deadlines_beyond_the_policy_are_a_fault(objects: list[Object]) -> None:
    changed = copy.deepcopy(objects)
    settings = next(obj for obj in changed if obj["metadata"]["name"].startswith("brain-settings"))
    settings["data"]["TASKS_PER_JOB"] = "40"

    [fault] = RULES["agents-fit-their-policy"](changed)
    assert "8160 s" in fault


def test_parameters_name_the_secrets_and_the_account_that_the_agent_has(objects: list[Object]) -> None:
    parameters = named(objects, "ConfigMap", "agent-policy")["data"]
    spec = named(objects, "PodTemplate", "agent")["template"]["spec"]

    assert parameters["serviceAccount"] == spec["serviceAccountName"]
    assert sorted(parameters["secrets"].split(",")) == sorted(
        v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v
    )
