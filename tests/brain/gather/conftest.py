"""The inbox, and messages that come in one batch or one by one."""

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot
from openclaw_core.budgets.values import Budgets
from openclaw_core.store import Script
from openclaw_core.store.budgets import Spending
from tests.brain.gather.desk import Desk, Message, Receives
from tests.core.store_world import CAPS, World
from tests.shipped import ROLES


@pytest.fixture
async def desk(script: Script) -> Desk:
    world = World(script)
    await world.lead()
    handler = UpdateHandler(
        inbox=world.inbox, lanes=world.lanes, runs=world.runs, intake=Intake(roles=ROLES, access=Access(users=None)),
        bot=Bot(id=42, username="OpenClawBot"),
        windows=Windows(), epoch=world.epoch, chat_cap=CAPS["chat_cap"], total_cap=CAPS["total_cap"],
        spending=Spending(world.script, Budgets()),
    )  # fmt: skip
    return Desk(world, handler)


@pytest.fixture(params=["one batch", "one by one"])
def receives(request: pytest.FixtureRequest, desk: Desk) -> Receives:
    """Messages come together, or each in a batch of its own: that makes no difference to what they become."""

    async def one_by_one(*messages: Message) -> None:
        for message in messages:
            await desk.receives(message)

    return desk.receives if request.param == "one batch" else one_by_one
