"""Follows the objects of one kind in the API server: lists them, then watches them."""

from collections.abc import Callable, Mapping

from openclaw_brain.kubernetes.api import ApiRefused, ApiUnavailable, Gone, KubernetesApi, Object
from openclaw_brain.loops import Loop
from openclaw_core import logs

log = logs.get(__name__)
FOLLOW_PAUSE_S = 1.0
"""Between tries to list or watch again."""


async def follow_objects(
    api: KubernetesApi, group: str, kind: str, *,
    seen: Callable[[Object], None], gone: Callable[[str], None], confirmed: Callable[[str], None],
    loop: Loop, query: Mapping[str, str],
) -> None:  # fmt: skip
    """List the objects of *kind* in the API *group* that *query* selects, then watch them, until cancelled.

    *seen* gets each object as it is now, *gone* the name of one that was deleted or is in the list no more. *confirmed*
    gets *kind* whenever what is known is known to be current. An outage of the API server is waited out.
    """
    version = ""
    names: set[str] = set()
    confirmed(kind)  # its age counts from here on, also where the API server is away

    async def step() -> float:
        nonlocal version, names
        try:
            if not version:
                listed = await api.get(group, kind, **query)
                version = listed["metadata"]["resourceVersion"]
                now = {item["metadata"]["name"] for item in listed["items"]}
                for item in listed["items"]:
                    seen(item)
                for name in names - now:
                    gone(name)
                names = now
                confirmed(kind)
                loop.heartbeat()
            async for change, item in api.watch(group, kind, since=version, **query):
                loop.heartbeat()
                confirmed(kind)
                version = item["metadata"]["resourceVersion"]
                if change == "BOOKMARK":
                    continue
                name = item["metadata"]["name"]
                if change == "DELETED":
                    names.discard(name)
                    seen(item)
                    gone(name)
                else:
                    names.add(name)
                    seen(item)
            confirmed(kind)  # the server ended the watch in time, as it was asked to
            return 0
        except Gone:
            version = ""
            return 0
        except ApiRefused as exc:
            log.error("watch.refused", kind=kind, status=exc.status, hint="does the brain's Role allow list and watch?")
            version = ""
        except ApiUnavailable as exc:
            log.warning("watch.unavailable", kind=kind, error=str(exc), hint="is the API server up? Trying again")
        return FOLLOW_PAUSE_S

    await loop.run(step)
