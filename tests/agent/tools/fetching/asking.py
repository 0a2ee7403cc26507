"""One page asked for from the servers of a test: what came, or why not."""

import pytest

from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched
from openclaw_agent.tools.fetching.fetcher import Fetched
from tests.agent.tools.web import Web


async def fetched(web: Web, where: str, **limits: float) -> Fetched:
    return await web.fetcher(**limits).fetch(f"http://{where.replace('/', f':{web.port}/', 1)}")


async def refused(web: Web, where: str, **limits: float) -> FetchCause:
    with pytest.raises(NotFetched) as exc:
        await fetched(web, where, **limits)
    return exc.value.why
