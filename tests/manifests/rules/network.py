"""Who may reach whom."""

import ipaddress
from collections.abc import Iterator, Sequence

from tests.manifests.rendering import Object, containers, label, of_kind, pods, selects
from tests.manifests.rules.registry import rule


@rule
def every_pod_is_behind_a_policy(objects: Sequence[Object]) -> Iterator[str]:
    policies = of_kind(objects, "NetworkPolicy")
    if not any(
        not p["spec"]["podSelector"]
        and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not {"ingress", "egress"} & p["spec"].keys()
        for p in policies
    ):
        yield "NetworkPolicy/default-deny: nothing denies everything to every pod in both directions"
    for workload, pod in pods(objects):
        own = [
            p
            for p in policies
            if p["spec"]["podSelector"] and selects(p["spec"]["podSelector"], pod["metadata"].get("labels", {}))
        ]
        if not own:
            yield f"{label(workload)}: no NetworkPolicy of its own selects it"


@rule
def the_internet_is_not_the_inside(objects: Sequence[Object]) -> Iterator[str]:
    """An egress rule to everywhere leaves out private ranges and the machines' metadata."""
    inside = [
        ipaddress.ip_network(text)
        for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
    ]
    for policy in of_kind(objects, "NetworkPolicy"):
        for direction, peers_of in (("ingress", "from"), ("egress", "to")):
            for item in policy["spec"].get(direction, []):
                if not item.get(peers_of) or not item.get("ports"):
                    yield f"{label(policy)}: an {direction} rule without peers or without ports opens everything"
                for block in (peer["ipBlock"] for peer in item.get(peers_of, []) if "ipBlock" in peer):
                    if ipaddress.ip_network(block["cidr"]).prefixlen >= 24:
                        continue
                    out = [ipaddress.ip_network(text) for text in block.get("except", [])]
                    left = [str(net) for net in inside if not any(net.subnet_of(other) for other in out)]  # type: ignore[arg-type]
                    if left or direction == "ingress":
                        yield f"{label(policy)}: {block['cidr']} reaches {', '.join(left) or 'us from anywhere'}"
                    # Agents with tools open pages, some of which have no TLS.
                    tools = policy["spec"]["podSelector"].get("matchLabels") == {"openclaw.io/tools": "yes"}
                    if [port.get("port") for port in item.get("ports", [])] != [80 if tools else 443]:
                        yield f"{label(policy)}: the internet is reached on port 443 alone, and on 80 by agents with tools"


@rule
def agents_reach_what_one_answer_needs(objects: Sequence[Object]) -> Iterator[str]:
    """Redis, the brain's file port and port 443 of the internet; and nobody but they reaches that file port."""
    policies = {policy["metadata"]["name"]: policy for policy in of_kind(objects, "NetworkPolicy")}
    agent, brain = policies["agent"], policies["brain"]
    wanted = {("redis", 6379), ("brain", _port(objects, "brain", "files"))}
    reached = {
        (peer["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/component"), port.get("port"))
        for item in agent["spec"]["egress"]
        for peer in item["to"]
        if "podSelector" in peer
        for port in item["ports"]
    }
    if reached != wanted or any("namespaceSelector" in peer for item in agent["spec"]["egress"] for peer in item["to"]):
        yield f"{label(agent)}: reaches the pods {sorted(map(str, reached))}, and an answer needs {sorted(map(str, wanted))}"
    if agent["spec"].get("ingress"):
        yield f"{label(agent)}: nobody speaks first to an agent"
    to_files = [
        item["from"] for item in brain["spec"]["ingress"] if any(p.get("port") == "files" for p in item["ports"])
    ]
    if to_files != [[{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "agent"}}}]]:
        yield f"{label(brain)}: the port files is for agents of this namespace alone"


def _port(objects: Sequence[Object], component: str, name: str) -> int | None:
    for _, pod in pods(objects):
        if pod["metadata"].get("labels", {}).get("app.kubernetes.io/component") == component:
            for container in containers(pod):
                for port in container.get("ports", []):
                    if port["name"] == name:
                        return int(port["containerPort"])
    return None


@rule
def single_addresses_are_the_api_servers(objects: Sequence[Object]) -> Iterator[str]:
    """A narrow range is the brain's way to the API server, or the agents' to a model server on the internet: one address of the metadata
    service is enough."""
    for policy in of_kind(objects, "NetworkPolicy"):
        for item in policy["spec"].get("egress", []):
            ports = [port.get("port") for port in item.get("ports", [])]
            for block in (peer["ipBlock"]["cidr"] for peer in item.get("to", []) if "ipBlock" in peer):
                network, way = ipaddress.ip_network(block), (policy["metadata"]["name"], ports)
                if (
                    network.prefixlen < 24
                    or way == ("brain", [6443])
                    or (way == ("agent", [443]) and network.is_global)
                ):
                    continue
                yield f"{label(policy)}: reaches {block}, and the brain alone has one address to reach, the API server's on port 6443; an agent may have a public one, its model server's on port 443"


@rule
def nothing_is_reachable_from_outside(objects: Sequence[Object]) -> Iterator[str]:
    for obj in of_kind(objects, "Ingress", "HTTPRoute", "Gateway"):
        yield f"{label(obj)}: nothing is served to the outside"
    for service in of_kind(objects, "Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP" or service["spec"].get("externalIPs"):
            yield f"{label(service)}: must be of type ClusterIP"
