"""Cluster-scoped objects: bound by label, closed when their parameters are missing, without drift."""

import copy
from pathlib import Path

import yaml

from tests.manifests.rendering import (
    ENVIRONMENTS,
    ROOT,
    Object,
    containers,
    copy_of_the_tree,
    named,
    of_kind,
    pods,
    render,
    selects,
)
from tests.manifests.rules import CLUSTER_SCOPED, RULES
from tests.manifests.rules.settings import quantity


def test_policies_hold_cluster_scoped_objects_only(policies: list[Object]) -> None:
    assert {obj["kind"] for obj in policies} == {
        "Namespace",
        "PriorityClass",
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
        assert "objectSelector" in match
        for item in match.get("resourceRules", []):
            assert "scope" in item


def test_settings_that_make_deadlines_beyond_the_policy_are_a_fault(objects: list[Object]) -> None:
    changed = copy.deepcopy(objects)
    settings = next(obj for obj in changed if obj["metadata"]["name"].startswith("brain-settings"))
    most_s = int(named(objects, "ConfigMap", "agent-policy")["data"]["maxDeadlineSeconds"])
    settings["data"] |= {"TASKS_PER_JOB": "3", "TASK_DEADLINE_S": "3600"}

    [fault] = RULES["agents-fit-their-policy"](changed)
    assert "TASK_DEADLINE_S" in fault
    assert f"agent-policy allows {most_s}" in fault


def test_each_variable_of_agents_is_one_that_their_policy_lists(objects: list[Object]) -> None:
    changed = copy.deepcopy(objects)
    settings = next(obj for obj in changed if obj["metadata"]["name"].startswith("brain-settings"))
    settings["data"]["GROQ_BASE_URL"] = "https://models.example"

    fault, _ = RULES["agents-fit-their-policy"](changed)  # of each template
    assert "`env.GROQ_BASE_URL: https://models.example`" in fault
    assert "platform/openclaw/base/guards/agent-policy.yaml" in fault


def test_each_pod_is_under_one_of_the_bindings_of_image_origin(policies: list[Object], objects: list[Object]) -> None:
    bindings = [
        obj["spec"]
        for obj in of_kind(policies, "ValidatingAdmissionPolicyBinding")
        if obj["spec"]["policyName"] == "openclaw-image-origin"
    ]
    seen = [pod["metadata"].get("labels", {}) for _, pod in pods(objects)]

    for labels in (*seen, {}, {"app.kubernetes.io/component": "redis-exporter"}, {"app.kubernetes.io/component": "x"}):
        mine = [each for each in bindings if selects(each["matchResources"]["objectSelector"], labels)]
        exporter = labels.get("app.kubernetes.io/component") == "redis-exporter"
        assert [each["paramRef"]["name"] for each in mine] == ["redis-exporter-policy" if exporter else "agent-policy"]


def test_the_policy_lets_in_the_images_of_the_workloads_and_none_without_a_digest(objects: list[Object]) -> None:
    data = named(objects, "ConfigMap", "agent-policy")["data"]
    used = {container["image"] for _, pod in pods(objects) for container in containers(pod)}

    assert {value for key, value in data.items() if key.startswith("image.")} == used
    assert all("@sha256:" in image for image in used)


def test_the_exporter_s_image_is_the_only_one_that_its_policy_lets_in() -> None:
    rendered = render(ROOT / "platform/redis-exporter")
    [(_, pod)] = list(pods(rendered))

    assert named(rendered, "ConfigMap", "redis-exporter-policy")["data"] == {
        "image.redis-exporter": containers(pod)[0]["image"]
    }


def test_redis_and_the_brain_come_before_agents(policies: list[Object], objects: list[Object]) -> None:
    values = {obj["metadata"]["name"]: obj["value"] for obj in of_kind(policies, "PriorityClass")}
    redis, brain, agent = (
        values.get(template["spec"].get("priorityClassName", ""), 0)
        for template in (
            named(objects, "StatefulSet", "redis")["spec"]["template"],
            named(objects, "Deployment", "brain")["spec"]["template"],
            named(objects, "PodTemplate", "agent")["template"],
        )
    )

    assert redis > brain > agent == 0
    assert not [obj for obj in of_kind(policies, "PriorityClass") if obj["globalDefault"]]


def test_agents_stay_off_every_pool_but_their_own_and_run_where_there_are_none(objects: list[Object]) -> None:
    affinity = named(objects, "PodTemplate", "agent")["template"]["spec"]["affinity"]["nodeAffinity"]
    terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]

    def runs_on(**labels: str) -> bool:
        named_labels = {f"openclaw.io/{key}": value for key, value in labels.items()}
        return any(selects(term, named_labels) for term in terms)

    assert runs_on(pool="agents")
    assert runs_on()
    assert not runs_on(pool="system")
    assert not runs_on(pool="gpu")


def test_the_policy_lets_agents_have_what_they_have_and_the_bots_number(
    policies: list[Object], objects: list[Object]
) -> None:
    """By shape, for the values that are the brain's to write. The API server itself tries them in tests/e2e/test_policies.py."""
    data = named(objects, "ConfigMap", "agent-policy")["data"]
    spec = named(objects, "PodTemplate", "agent-tools")["template"]["spec"]
    env = {entry["name"]: entry["value"] for entry in spec["containers"][0]["env"]}
    [rule] = [
        check["expression"]
        for check in named(policies, "ValidatingAdmissionPolicy", "openclaw-job-shape")["spec"]["validations"]
        if "'AGENT_JOB'" in check["expression"]
    ]

    assert {name for name in data if name.startswith("env.")} == {f"env.{name}" for name in env}
    assert {name: env[name] for name in env if name.startswith("REDIS_")} == {
        "REDIS_HOST": "redis", "REDIS_PORT": "6379", "REDIS_USERNAME": "agent",
        "REDIS_PASSWORD_FILE": "/run/secrets/openclaw/redis/password",
    }  # fmt: skip
    assert data["secrets"] == "groq,redis-agent"
    assert "e.name == 'BOT_ID' && e.value.matches('^[0-9]{1,20}$')" in rule


def test_an_overlay_can_hold_agents_to_one_model_server(objects: list[Object]) -> None:
    changed = copy.deepcopy(objects)
    [block] = [
        peer["ipBlock"]
        for item in named(changed, "NetworkPolicy", "agent")["spec"]["egress"]
        for peer in item["to"]
        if "ipBlock" in peer
    ]
    block.clear()

    for address, fault in (("8.8.8.8/32", False), ("10.0.0.7/32", True), ("169.254.169.254/32", True)):
        block["cidr"] = address
        assert [bool(list(rule(changed))) for name, rule in RULES.items() if "addresses" in name] == [fault]


def test_parameters_name_the_secrets_and_the_account_that_the_agent_has(objects: list[Object]) -> None:
    parameters = named(objects, "ConfigMap", "agent-policy")["data"]
    spec = named(objects, "PodTemplate", "agent")["template"]["spec"]

    assert parameters["serviceAccount"] == spec["serviceAccountName"]
    assert sorted(parameters["secrets"].split(",")) == sorted(
        v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v
    )


def test_an_agent_with_tools_is_an_agent_with_a_runner_beside_it(objects: list[Object]) -> None:
    plain, tools = (copy.deepcopy(named(objects, "PodTemplate", name)["template"]) for name in ("agent", "agent-tools"))
    tools["metadata"]["labels"].pop("openclaw.io/tools")
    [runner] = tools["spec"].pop("initContainers")
    [agent] = tools["spec"]["containers"]
    agent["env"] = [entry for entry in agent["env"] if entry["name"] != "RUNNER_SOCKET"]
    agent["volumeMounts"] = [mount for mount in agent["volumeMounts"] if mount["name"] != "socket"]
    assert agent.pop("resources") == {
        "requests": {"cpu": "20m", "memory": "192Mi"},
        "limits": {"memory": "192Mi"},
    }  # documents
    plain["spec"]["containers"][0].pop("resources")
    tools["spec"]["volumes"] = [each for each in tools["spec"]["volumes"] if each["name"] not in ("socket", "runs")]

    assert tools == plain
    assert "env" not in runner
    assert {mount["name"] for mount in runner["volumeMounts"]} == {"socket", "runs"}
    assert runner["securityContext"]["runAsUser"] != plain["spec"]["securityContext"]["runAsUser"]


def test_with_the_component_agents_with_tools_run_under_gvisor_and_no_others(environment: str, tmp_path: Path) -> None:
    file = copy_of_the_tree(tmp_path) / f"platform/openclaw/overlays/{environment}/kustomization.yaml"
    own = yaml.safe_load(file.read_text())
    own["components"].append("../../components/gvisor")
    file.write_text(yaml.safe_dump(own))

    changed = render(file.parent)
    runtimes = {
        obj["metadata"]["name"]: obj["template"]["spec"].get("runtimeClassName")
        for obj in of_kind(changed, "PodTemplate")
    }
    assert runtimes == {"agent": None, "agent-tools": "gvisor"}
    assert named(changed, "ConfigMap", "agent-policy")["data"]["runtimeClass"] == "gvisor"
    assert list(RULES["agents-fit-their-policy"](changed)) == []


def test_the_quota_has_room_for_as_many_agents_as_may_run(objects: list[Object]) -> None:
    """One that a quota refuses waits for others, and takes their place from agents without tools too."""
    settings = next(
        obj for obj in of_kind(objects, "ConfigMap") if obj["metadata"]["name"].startswith("brain-settings")
    )
    hard = named(objects, "ResourceQuota", "openclaw")["spec"]["hard"]
    wanted = {"memory": 0.0, "cpu": 0.0}
    for name, count in (
        ("agent", int(settings["data"]["RUNNING_CAP"])),
        ("agent-tools", int(settings["data"]["TOOL_AGENTS_CAP"])),
    ):
        pod = named(objects, "PodTemplate", name)["template"]["spec"]
        asked = [each["resources"]["requests"] for each in (pod.get("initContainers") or pod["containers"])]
        for kind in wanted:
            wanted[kind] += count * sum(quantity(each[kind]) for each in asked)
    others = [pod for workload, pod in pods(objects) if workload["kind"] in ("Deployment", "StatefulSet")]
    for kind in wanted:
        wanted[kind] += 2 * sum(
            quantity(each["resources"]["requests"][kind]) for pod in others for each in containers(pod)
        )
        assert wanted[kind] <= quantity(hard[f"requests.{kind}"]), kind
    assert quantity(hard["limits.memory"]) == quantity(hard["requests.memory"])
