"""Polling and admission through the stand-in and a real store: faults of Telegram heal, and nothing is acknowledged
that Redis has not got.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from openclaw_brain.loops import Loop
from openclaw_brain.telegram.updates import Poller, admit_forever
from openclaw_core.errors import LostOwnership
from openclaw_core.store import Inbox, Leadership, Script
from openclaw_standin.bot_api import BotApi

TOKEN = "4242:test-token-of-nobody"


@dataclass
class Admission:
    api: BotApi
    inbox: Inbox
    epoch: int
    waits: list[float] = field(default_factory=list)
    webhooks: int = 0
    times_heard: int = 0

    def heard(self) -> None:
        self.times_heard += 1

    def webhook(self) -> None:
        self.webhooks += 1

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.01)

    async def ids(self) -> list[int]:
        return [entry.update["update_id"] for entry in await self.inbox.waiting("inbox")]

    async def admitted(self, *ids: int) -> None:
        async with asyncio.timeout(60):
            while await self.ids() != list(ids):
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        poller = Poller(TOKEN, self.api.url)
        task = asyncio.create_task(
            admit_forever(
                poller,
                self.inbox,
                Loop(sleep=self.sleep),
                epoch=self.epoch,
                on_admitted=lambda *_: None,
                on_webhook=self.webhook,
                on_heard=self.heard,
            )
        )
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await poller.aclose()


@pytest.fixture
async def admission(script: Script) -> AsyncIterator[Admission]:
    inbox = Inbox(script)
    epoch = await Leadership(script).take_lead("me", ttl_s=600)
    async with BotApi.open(token=TOKEN, flood=False) as api:
        yield Admission(api=api, inbox=inbox, epoch=epoch)


@pytest.mark.parametrize("kind", ["conflict", "server_error", "bad_gateway", "close", "flood", "unauthorized"])
async def test_a_poll_that_fails_is_begun_anew_and_no_update_is_lost(admission: Admission, kind: str) -> None:
    admission.api.faults.next("getUpdates", kind, times=2)
    async with admission.running():
        first = admission.api.users.write(7, "one")
        await admission.admitted(first)
        second = admission.api.users.write(7, "two")
        await admission.admitted(first, second)
    assert len(admission.waits) >= 2


async def test_a_poll_that_is_refused_is_not_heard_and_the_next_answered_one_is(admission: Admission) -> None:
    admission.api.faults.next("getUpdates", "conflict", times=None)
    async with admission.running():
        async with asyncio.timeout(60):
            while len(admission.waits) < 3:
                await asyncio.sleep(0.02)
        assert admission.times_heard == 1, "the beginning alone"
        admission.api.faults.clear()
        await admission.admitted(admission.api.users.write(7, "one"))
        assert admission.times_heard >= 2


@pytest.mark.parametrize("kind", ["server_error", "close", "flood"])
async def test_a_webhook_is_ended_before_the_first_poll_however_often_that_takes(
    admission: Admission, kind: str
) -> None:
    admission.api.state.updates.webhook_url = "https://elsewhere.example"
    admission.api.faults.next("deleteWebhook", kind, times=2)
    update = admission.api.users.write(7, "one")
    async with admission.running():
        await admission.admitted(update)
    assert len(admission.waits) == 2


async def test_a_reply_that_never_came_is_asked_for_again_and_its_updates_are_admitted_once(
    admission: Admission,
) -> None:
    admission.api.faults.next("getUpdates", "close_after")
    first = admission.api.users.write(7, "one")
    async with admission.running():
        await admission.admitted(first)
    admission.api.state.updates.replay(first)
    async with admission.running():
        second = admission.api.users.write(7, "two")
        await admission.admitted(first, second)


async def test_a_full_redis_stops_admission_before_the_offset_moves(admission: Admission, script: Script) -> None:
    await script.read("CONFIG", "SET", "maxmemory", "1")
    try:
        update = admission.api.users.write(7, "one")
        async with admission.running():
            async with asyncio.timeout(60):
                while not admission.waits:
                    await asyncio.sleep(0.02)
            assert admission.api.state.updates.pending == 1
            await script.read("CONFIG", "SET", "maxmemory", "0")
            await admission.admitted(update)
            async with asyncio.timeout(60):
                while admission.api.state.updates.pending:  # the next poll acknowledges it
                    await asyncio.sleep(0.02)
    finally:
        await script.read("CONFIG", "SET", "maxmemory", "0")


async def test_a_new_leader_ends_the_admission_of_the_old_one(admission: Admission, script: Script) -> None:
    async with admission.running() as task:
        await Leadership(script).give_up_lead("me")
        await Leadership(script).take_lead("another", ttl_s=600)
        admission.api.users.write(7, "for the new one")
        with pytest.raises(LostOwnership):
            async with asyncio.timeout(60):
                await task
    assert await admission.ids() == []


async def test_a_webhook_that_is_set_while_the_bot_polls_is_ended_again_said_aloud_and_costs_no_update(
    admission: Admission, caplog: pytest.LogCaptureFixture
) -> None:
    async with admission.running():
        first = admission.api.users.write(7, "one")
        await admission.admitted(first)
        ids = [first]
        for n in range(2):  # however often somebody sets one
            admission.api.state.updates.webhook_url = "https://elsewhere.example"
            ids.append(admission.api.users.write(7, f"two {n}"))
            await admission.admitted(*ids)
            assert admission.api.state.updates.webhook_url == ""
    said = [record for record in caplog.records if record.getMessage() == "updates.webhook"]
    assert len(said) == admission.webhooks == 2
    assert {record.levelname for record in said} == {"ERROR"}


async def test_another_poller_is_no_webhook_and_nothing_of_it_is_ended(admission: Admission) -> None:
    admission.api.faults.next("getUpdates", "conflict", times=3)
    async with admission.running():
        update = admission.api.users.write(7, "one")
        await admission.admitted(update)
    assert admission.webhooks == 0
    assert len(admission.api.journal.calls("deleteWebhook")) == 1, "the one at the start"
