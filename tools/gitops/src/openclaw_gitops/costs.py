"""What a change costs a month: machines, agents that wait, models and their limits, before it and after it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from math import inf, isinf
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from openclaw_gitops.kustomize import build, objects

ASSUMED = Path("platform/costs.yaml")
ROLES = Path("platform/openclaw/base/config/roles.yaml")
BUDGETS = Path("platform/openclaw/base/config/budgets.yaml")
MAX_STEPS, REQUEST_MAX_TOKENS = 6, 8000
"""Of a role and of a `roles.yaml` that do not say it, as the bot takes them."""
LONGEST_MONTH_DAYS = 31
GIB = {"Gi": 1.0, "Mi": 1 / 1024}
WAITING = {"agent": "WARM_AGENTS", "agent-tools": "WARM_TOOL_AGENTS"}
"""By template: the setting that says how many wait."""
LEAST, MOST = "machines and network, at least", "machines and network, all pools grown"
WAITING_AGENTS = "share of a worker that waiting agents hold"
ALLOWED = "most that all may spend on models, by `budgets.yaml`"
NOT_KNOWN, NO_LIMIT = "not known", "no limit"
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
    """What *environment* of the tree at *root* costs by the prices *of* the present one.

    A sum with a machine without a price is left out.
    """
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
    roles = yaml.safe_load((root / ROLES).read_text())
    models, remarks = of_models(roles, assumed)
    messages = assumed["messages_a_month"][environment]
    usd[f"models, {messages:,} messages"] = messages * models
    usd[f"the same, each at the limits of its role in `{ROLES.name}`"] = messages * at_limits(roles, assumed)
    usd[ALLOWED] = allowed(root / BUDGETS)
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


def at_limits(roles: Mapping[str, Any], assumed: Mapping[str, Any]) -> float:
    """USD for one message that takes all that its role may: each step a whole request, nothing of it cached.

    Searches, routing, models without a price and roles without a share are left out.
    """
    request, usd = roles.get("request_max_tokens", REQUEST_MAX_TOKENS), 0.0
    for name, role in roles["roles"].items():
        tokens, model, answer = (
            assumed["tokens"].get(name),
            roles["models"][role["models"][0]],
            role["max_answer_tokens"],
        )
        own_tools = set(role.get("tools", ())) - set(model.get("tools", ()))
        steps = role.get("max_steps", MAX_STEPS) if own_tools else 1
        each = _usd(model, {"prompt": request - answer, "answer": answer})
        usd += tokens["share"] * steps * each if tokens and each else 0.0
    return usd


def allowed(budgets: Path) -> float:
    """USD a month that all together may spend; infinite without a limit in dollars."""
    limits = ((yaml.safe_load(budgets.read_text()) or {}) if budgets.exists() else {}).get("all") or {}
    day, month = ((limits.get(period) or {}).get("usd", inf) for period in ("day", "month"))
    return float(min(day * LONGEST_MONTH_DAYS, month))


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
    return NOT_KNOWN if usd is None else NO_LIMIT if isinf(usd) else f"{usd:,.2f}"


def _change(old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return NOT_KNOWN
    if isinf(old) or isinf(new):
        return "" if old == new else f"from {_amount(old)} to {_amount(new)}"
    return f"{round(new, 2) - round(old, 2):+,.2f}"
