"""What a change costs a month: machines, agents that wait, and models, before it and after it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from openclaw_gitops.kustomize import build, objects

ASSUMED = Path("platform/costs.yaml")
ROLES = Path("platform/openclaw/base/config/roles.yaml")
GIB = {"Gi": 1.0, "Mi": 1 / 1024}
WAITING = {"agent": "WARM_AGENTS", "agent-tools": "WARM_TOOL_AGENTS"}
"""By template: the setting that says how many wait."""
LEAST, MOST = "machines and network, at least", "machines and network, all pools grown"
WAITING_AGENTS = "share of a worker that waiting agents hold"
NOT_KNOWN = "not known"
"""Instead of a sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """USD a month by what is paid for, and what could not be reckoned.

    *unpriced* says which machines have no price and where to add it. Their sums are not in *usd*.
    """

    usd: Mapping[str, float]
    remarks: Sequence[str] = ()
    unpriced: Sequence[str] = ()


def prices(root: Path) -> Any:
    """scripts/infra-cost as a module: the prices of AWS, and the sum of a terraform.tfvars."""
    loader = SourceFileLoader("infra_cost", str(root / "scripts/infra-cost"))
    module = ModuleType(loader.name)
    module.__file__ = loader.path
    sys.modules[loader.name] = module  # dataclasses look themselves up
    loader.exec_module(module)
    return module


def bill(root: Path, environment: str, *, assumed: Mapping[str, Any], of: Any, env: Mapping[str, str]) -> Bill:
    """What *environment* of the tree at *root* costs by the prices *of* the present one. A sum with a machine without a price is left out."""
    tfvars = root / f"terraform/environments/{environment}/terraform.tfvars"
    settings = of.read_tfvars(tfvars.read_text())
    workers = settings["pools"]["agents"]["instance_types"][0]
    machines = {settings.get("master_instance_type", of.MASTER_TYPE)} | {
        pool["instance_types"][0] for pool in settings["pools"].values()
    }
    named = f"of {tfvars.relative_to(root)}"
    unpriced = [
        f"{one} {named} has no price: add it to `INSTANCE_USD` of scripts/infra-cost"
        for one in sorted(machines - of.INSTANCE_USD.keys())
    ]
    usd: dict[str, float] = {}
    if not unpriced:
        rows = of.monthly(settings)
        usd[LEAST], usd[MOST] = sum(row.least for row in rows), sum(row.most for row in rows)
    if workers not in of.INSTANCE_GIB:
        unpriced.append(f"{workers} {named} has no size: add it to `INSTANCE_GIB` of scripts/infra-cost")
    elif workers in of.INSTANCE_USD:
        rendered = objects(build(root / f"platform/openclaw/overlays/{environment}", env))
        usd[WAITING_AGENTS] = waiting_gib(rendered) * of.gib_usd(workers)
    models, remarks = of_models(yaml.safe_load((root / ROLES).read_text()), assumed)
    messages = assumed["messages_a_month"][environment]
    usd[f"models, {messages:,} messages"] = messages * models
    return Bill(usd=usd, remarks=remarks, unpriced=unpriced)


def waiting_gib(rendered: Sequence[Mapping[str, Any]]) -> float:
    """The memory that waiting agents ask for, in GiB."""
    settings = next(
        item["data"] for item in rendered if item["kind"] == "ConfigMap" and "WARM_AGENTS" in item.get("data", {})
    )
    return sum(
        int(settings.get(WAITING[item["metadata"]["name"]], 0))
        * sum(_gib(container["resources"]["requests"]["memory"]) for container in _containers(item["template"]["spec"]))
        for item in rendered
        if item["kind"] == "PodTemplate" and item["metadata"]["name"] in WAITING
    )


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those that hold memory while the pod lives: an init container counts if it goes on beside the others."""
    yield from spec["containers"]
    yield from (one for one in spec.get("initContainers", ()) if one.get("restartPolicy") == "Always")


def _gib(amount: str) -> float:
    return float(amount[:-2]) * GIB[amount[-2:]]


def of_models(roles: Mapping[str, Any], assumed: Mapping[str, Any]) -> tuple[float, list[str]]:
    """USD for one message by each role's first model, and what is not in it."""
    usd, remarks = 0.0, []
    for name, role in roles["roles"].items():
        tokens, model = assumed["tokens"].get(name), role["models"][0]
        each = tokens and _usd(roles["models"][model], tokens)
        if tokens is None:
            remarks.append(f"role {name} has no tokens in {ASSUMED}: its messages are not in the sum")
        elif each is None:
            remarks.append(f"model {model} of role {name} has no price: its messages are not in the sum")
        else:
            usd += tokens["share"] * each
    routing, router = assumed["routing"], roles["router"]["models"][0]
    each = _usd(roles["models"][router], routing)
    if each is None:
        remarks.append(f"model {router} of the router has no price: routing is not in the sum")
    return usd + routing["share"] * (each or 0.0), remarks


def _usd(model: Mapping[str, Any], tokens: Mapping[str, float]) -> float | None:
    price = model.get("usd_per_mtok")
    if price is None:
        return None
    cached = tokens.get("cached", 0)
    return float(
        (tokens["prompt"] - cached) * price["input"] + cached * price.get("cached", price["input"]) + tokens["answer"] * price["output"]
    ) / 1e6  # fmt: skip


def markdown(environment: str, before: Bill, after: Bill) -> str:
    """The part of the comment on a pull request; one line where nothing changes and all is known."""
    remarks = "".join(f"\n> {remark}\n" for remark in (*after.unpriced, *after.remarks))
    sums = [
        (what, before.usd.get(what), after.usd.get(what)) for what in (*after.usd, *(before.usd.keys() - after.usd))
    ]
    if not after.unpriced and all(_amount(old) == _amount(new) for _, old, new in sums):
        return f"### Cost of {environment}: unchanged\n{remarks}"
    rows = "".join(f"| {what} | {_amount(old)} | {_amount(new)} | {_change(old, new)} |\n" for what, old, new in sums)
    return (
        f"### Cost of {environment}\n\nUSD a month, by assumed prices (`scripts/infra-cost`, `roles.yaml`, `{ASSUMED}`):\n\n"
        f"| | before | after | change |\n| --- | ---: | ---: | ---: |\n{rows}{remarks}"
    )


def _amount(usd: float | None) -> str:
    return NOT_KNOWN if usd is None else f"{usd:,.2f}"


def _change(old: float | None, new: float | None) -> str:
    return NOT_KNOWN if old is None or new is None else f"{round(new, 2) - round(old, 2):+,.2f}"
