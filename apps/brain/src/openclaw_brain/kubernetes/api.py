"""The API server as plain JSON: the one module that knows the `kubernetes` package.

Of the package only its configuration (in-cluster, kubeconfig, token refresh, TLS) and its HTTP client are used: the generated
API classes cost another 28 MB and 1.5 s at start, and their strict models refuse what a newer server sends.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from openclaw_core.errors import OpenClawError, Permanent, SettingsError, Transient
from openclaw_core.records import parsed

Object = Mapping[str, Any]
"""An object of the API as JSON: `metadata`, `spec`, `status`."""

CALL_S = 5.0
WATCH_S = 45
"""The server ends a watch after this many seconds, and we go on from where it stopped."""
SILENCE_S = 50.0
"""A watch that gives nothing for this long, not even its own end, is dead; known before its loop would count as stuck."""


class ApiUnavailable(Transient):
    """The API server did not answer in time, or answered that it cannot just now (429, 5xx)."""


class ApiRefused(Permanent):
    """The API server said no. *message* names our own objects and its rules, never a user's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.message = message


class Gone(OpenClawError):
    """Our resource version is too old. That is routine: list again and go on from there."""


@dataclass(kw_only=True)
class KubernetesApi:
    """Calls within one namespace. Every call raises ApiUnavailable or ApiRefused."""

    namespace: str
    _client: ApiClient = field(repr=False)

    @classmethod
    @asynccontextmanager
    async def open(cls, namespace: str, *, kubeconfig: str | None = None) -> "AsyncIterator[KubernetesApi]":
        """With the pod's own token, or as *kubeconfig* says. Raises SettingsError where there is neither."""
        configuration = Configuration()
        configuration.connection_pool_maxsize = 32
        if kubeconfig:
            from kubernetes.aio.config.kube_config import load_kube_config

            await load_kube_config(config_file=kubeconfig, client_configuration=configuration)
        else:
            from kubernetes.aio.config.config_exception import ConfigException
            from kubernetes.aio.config.incluster_config import load_incluster_config

            try:
                load_incluster_config(client_configuration=configuration)
            except ConfigException:
                raise SettingsError(
                    "AGENT_LAUNCHER=kubernetes needs a pod with a service account's token; outside a cluster use processes"
                ) from None
        async with ApiClient(configuration) as client:
            yield cls(namespace=namespace, _client=client)

    async def get(self, api: str, kind: str, name: str = "", **query: str | int) -> dict[str, Any]:
        """One object, or the list of a kind: *api* is `api/v1` or `apis/<group>/<version>`."""
        return await self._json("GET", self._path(api, kind, name), query=query)

    async def create(self, api: str, kind: str, body: Object) -> dict[str, Any]:
        return await self._json("POST", self._path(api, kind), body=body)

    async def replace(self, api: str, kind: str, name: str, body: Object) -> dict[str, Any]:
        return await self._json("PUT", self._path(api, kind, name), body=body)

    async def merge(self, api: str, kind: str, name: str, body: Object) -> None:
        """A JSON merge patch."""
        await self._json("PATCH", self._path(api, kind, name), body=body, content="application/merge-patch+json")

    async def delete(self, api: str, kind: str, name: str) -> None:
        """The object and, in the background, what it owns. One that is not there is fine."""
        try:
            await self._json("DELETE", self._path(api, kind, name), body={"propagationPolicy": "Background"})
        except ApiRefused as exc:
            if exc.status != 404:
                raise

    async def log_tail(self, pod: str, *, lines: int, limit_bytes: int) -> str:
        """The last lines that a pod wrote."""
        path = self._path("api/v1", "pods", pod) + "/log"
        raw = await self._call("GET", path, query={"tailLines": lines, "limitBytes": limit_bytes})
        return raw.decode(errors="replace")

    async def reachable(self) -> bool:
        """Whether the API server answers at all, also if it only says no."""
        try:
            await self._call("GET", "/version", query={})
        except ApiRefused:
            return True
        except ApiUnavailable:
            return False
        return True

    async def watch(self, api: str, kind: str, *, since: str, **query: str | int) -> AsyncIterator[tuple[str, Object]]:
        """Changes after the resource version *since*, as (ADDED | MODIFIED | DELETED | BOOKMARK, object), until the
        server ends the watch. Raises Gone, too."""
        asked = {**query, "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": since}
        path = self._path(api, kind)
        timeout = aiohttp.ClientTimeout(total=None, connect=CALL_S, sock_read=SILENCE_S)
        try:
            response = await self._send("GET", path, query={**asked, "timeoutSeconds": WATCH_S}, timeout=timeout)
            async with response:
                if response.status == 410:
                    raise Gone
                if response.status >= 400:
                    raise _error(response.status, await response.read())
                async for line in response.content:
                    change = parsed(line)
                    if change["type"] == "ERROR":
                        if change["object"].get("code") == 410:
                            raise Gone
                        raise ApiUnavailable(f"watch of {kind} ended by the server")
                    yield change["type"], change["object"]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError, TypeError) as exc:
            raise ApiUnavailable(type(exc).__name__) from exc

    def _path(self, api: str, kind: str, name: str = "") -> str:
        path = f"/{api}/namespaces/{self.namespace}/{kind}"
        return f"{path}/{name}" if name else path

    async def _json(
        self, method: str, path: str, *, query: Mapping[str, str | int] | None = None, body: Object | None = None,
        content: str = "application/json",
    ) -> dict[str, Any]:  # fmt: skip
        raw = await self._call(method, path, query=query or {}, body=body, content=content)
        try:
            found = parsed(raw)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ApiUnavailable("an answer that is not the API server's")
        return found

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str | int], body: Object | None = None,
        content: str = "application/json",
    ) -> bytes:  # fmt: skip
        try:
            async with asyncio.timeout(CALL_S):
                response = await self._send(method, path, query=query, body=body, content=content)
                async with response:
                    raw = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise ApiUnavailable(type(exc).__name__) from exc
        if response.status >= 400:
            raise _error(response.status, raw)
        return raw

    async def _send(
        self, method: str, path: str, *, query: Mapping[str, str | int], body: Object | None = None,
        content: str = "application/json", timeout: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.ClientResponse:  # fmt: skip
        configuration = self._client.configuration
        headers = {"Accept": "application/json", "Content-Type": content}
        token = await configuration.get_api_key_with_prefix(
            "BearerToken"
        )  # read anew each minute: tokens are short-lived
        if token:
            headers["Authorization"] = token
        url = f"{configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        reply = await self._client.rest_client.request(
            method, url, headers=headers, body=body, _request_timeout=timeout or aiohttp.ClientTimeout(total=CALL_S)
        )
        response: aiohttp.ClientResponse = reply.response
        return response


def _error(status: int, raw: bytes) -> OpenClawError:
    if status in (408, 429) or status >= 500:
        return ApiUnavailable(f"status {status}")
    try:
        message = str(parsed(raw).get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    return ApiRefused(status, message)
