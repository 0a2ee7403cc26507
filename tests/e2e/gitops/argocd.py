"""Argo CD as its operators see it: Applications by kubectl."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.e2e.cluster import kubectl, until


@dataclass(frozen=True, kw_only=True)
class State:
    """An Application at one look."""

    sync: str
    health: str
    phase: str
    revision: str
    message: str

    @property
    def well(self) -> bool:
        return (self.sync, self.health, self.phase) == ("Synced", "Healthy", "Succeeded")


def applications() -> dict[str, State]:
    found = json.loads(kubectl("-n", "argocd", "get", "applications.argoproj.io", "-o", "json"))["items"]
    return {app["metadata"]["name"]: _state(app.get("status", {})) for app in found}


def _state(status: dict[str, Any]) -> State:
    operation = status.get("operationState", {})
    sync = status.get("sync", {})
    apart = [
        f"{item['kind']}/{item['name']} is {item['status']}"
        for item in status.get("resources", [])
        if item.get("status", "Synced") != "Synced"
    ]
    messages = [*apart, operation.get("message", ""), *(item["message"] for item in status.get("conditions", []))]
    return State(
        sync=sync.get("status", ""),
        health=status.get("health", {}).get("status", ""),
        phase=operation.get("phase", ""),
        revision=sync.get("revision") or (sync.get("revisions") or [""])[-1],
        message="; ".join(filter(None, messages)),
    )


def state(name: str) -> State:
    return applications()[name]


def last_sync(name: str) -> tuple[float, float]:
    """When an Application's last sync began and when it was done, in Unix seconds."""
    app = json.loads(kubectl("-n", "argocd", "get", "application.argoproj.io", name, "-o", "json"))
    operation = app["status"]["operationState"]
    begun, done = (datetime.fromisoformat(operation[at]).timestamp() for at in ("startedAt", "finishedAt"))
    return begun, done


def wait_until_well(*names: str, at: str = "", within_s: float) -> float:
    """Seconds until all are synced (at the commit *at*, if given) and healthy. AssertionError says how the others are."""
    began = time.monotonic()

    def all_well() -> bool:
        now = applications()
        return all(name in now and now[name].well and at in ("", now[name].revision) for name in names)

    try:
        until(all_well, within_s=within_s, what=f"{', '.join(names)} synced and healthy", every_s=0.5)
    except AssertionError as exc:
        now = applications()
        states = "\n".join(f"{name}: {now.get(name)}" for name in names)
        raise AssertionError(f"{exc}\n{states}") from None
    return time.monotonic() - began
