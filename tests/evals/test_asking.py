"""An answer comes by the agent's own code, on the task's small web, and its cost by the prices of roles.yaml."""

from dataclasses import replace

import pytest

from openclaw_agent.tools.fetching.faults import NotFetched
from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.asking import Asker
from openclaw_cli.eval.answers.local_web import LocalFetcher, LocalSearch
from openclaw_cli.eval.answers.prices import most_micro_usd
from openclaw_cli.eval.answers.task import AnswerTask, HistoryTurn, MaterialFile, WebPage
from openclaw_cli.eval.answers.versions import work_tree
from openclaw_core.environment import Environment
from openclaw_core.models.clients import open_clients
from openclaw_core.roles.values import ModelSpec
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.faults import ModelFault
from tests.evals.answer_values import ROOT, task

BRIDGE = WebPage(
    name="bridge",
    url="https://bridge.example.com/tarn",
    title="Tarn bridge",
    snippet="A bridge over the Tarn.",
    body=b"<html><head><title>Tarn bridge</title></head><body><p>The Tarn bridge was opened in 1932, after six years.</p></body></html>",
)
MILL = replace(
    BRIDGE,
    name="mill",
    url="https://mill.example.com/",
    title="The mill",
    snippet="A mill.",
    body=b"<p>The mill grinds.</p>",
)
VERSION = work_tree(ROOT)


async def ask(model: ScriptedModel, wanted: AnswerTask, *, role: str, deadline_s: float = 60) -> Answer:
    read = Environment({"GROQ_BASE_URL": model.url, "GROQ_API_KEY": "k"})
    snapshot = VERSION.snapshot(role)
    assert snapshot is not None
    async with open_clients(read.model_servers()) as server:
        asker = Asker(server=server, runner_socket=None, deadline_s=deadline_s)
        return await asker.ask(wanted, snapshot, VERSION.roles.models)


def calls(name: str, **arguments: str) -> dict[str, object]:
    return {"calls": [{"name": name, "arguments": arguments}]}


async def test_the_researcher_searches_and_opens_the_tasks_pages_and_no_others() -> None:
    async with ScriptedModel.open(first_token_s=0, tokens_per_s=1e6) as model:
        turns = [
            calls("web_search", query="when was the Tarn bridge opened"),
            calls("open_page", url=BRIDGE.url),
            calls("open_page", url="https://elsewhere.example.com/"),
            {"text": "It was opened in 1932 [1]."},
        ]
        model.scripts.add({"when": "bridge", "turns": turns})
        found = await ask(
            model, task(role="researcher", message="When was the bridge opened?", web=[MILL, BRIDGE]), role="researcher"
        )

    assert found.fault == ""
    assert found.markdown == "It was opened in 1932 [1]."
    assert [page.url for page in found.pages] == [BRIDGE.url]
    search, opened, refused = [step.results[0] for step in found.steps]
    assert BRIDGE.url in search.text
    assert "1932" in opened.text
    assert refused.fault == "failed"


async def test_the_request_is_the_agents_with_history_file_and_a_fixed_day() -> None:
    wanted = replace(
        task(message="Shorten it."),
        history=(HistoryTurn(user="Who are you?", assistant="A bot."),),
        files=(MaterialFile(name="notes.txt", data=b"The fair is on Monday."),),
    )
    async with ScriptedModel.open(first_token_s=0, tokens_per_s=1e6) as model:
        await ask(model, wanted, role="summarizer")
        await ask(model, wanted, role="summarizer")
        first, second = [call.messages for call in model.calls]

    assert first == second
    said = [message["content"] for message in first]
    assert said[0].startswith(VERSION.roles.roles["summarizer"].prompt)
    assert "2026-11-01" in said[0]
    assert said[1:3] == ["Who are you?", "A bot."]
    assert "The fair is on Monday." in said[3]
    assert "Shorten it." in said[3]


async def test_the_cost_is_that_of_all_steps() -> None:
    async with ScriptedModel.open(first_token_s=0, tokens_per_s=1e6) as model:
        turns = [calls("open_page", url=BRIDGE.url), {"text": "In 1932 [1]."}]
        model.scripts.add({"when": "bridge", "turns": turns})
        found = await ask(model, task(message="bridge", web=[BRIDGE]), role="researcher")
        price = VERSION.roles.models[VERSION.roles.roles["researcher"].models[0]]
        tokens = [(call.prompt_tokens, call.tokens) for call in model.calls]

    assert price.input_usd_per_mtok is not None
    assert price.output_usd_per_mtok is not None
    assert len(tokens) == 2
    assert found.micro_usd == round(
        sum(asked * price.input_usd_per_mtok + said * price.output_usd_per_mtok for asked, said in tokens)
    )


async def test_a_server_that_is_away_is_the_answers_fault_and_costs_nothing() -> None:
    async with ScriptedModel.open(first_token_s=0, tokens_per_s=1e6) as model:
        model.faults.add(ModelFault(kind="unavailable", times=100))
        found = await ask(model, task(), role="summarizer", deadline_s=5)

    assert found.fault in ("model_down", "deadline")
    assert (found.markdown, found.micro_usd) == ("", 0)


async def test_the_small_web_is_all_there_is() -> None:
    pages = [MILL, BRIDGE]

    assert [found.url for found in await LocalSearch(pages=pages).search("tarn bridge 1932", count=5)] == [BRIDGE.url]
    assert (await LocalFetcher(pages=pages).fetch(BRIDGE.url)).body == BRIDGE.body
    with pytest.raises(NotFetched):
        await LocalFetcher(pages=pages).fetch("https://bridge.example.com/other")


def test_the_most_that_an_answer_may_cost_is_all_of_its_steps_by_the_dearest_model() -> None:
    snapshot = VERSION.snapshot("summarizer")
    assert snapshot is not None
    first, *others = snapshot.models
    price = ModelSpec(id="m", context_tokens=1, input_usd_per_mtok=0.0, output_usd_per_mtok=2.0)
    prices = {first: replace(price, output_usd_per_mtok=1.0), **dict.fromkeys(others, price)}
    long = replace(task(), files=(MaterialFile(name="notes.txt", data=b"word " * 10_000),))
    read = dict.fromkeys(snapshot.models, replace(price, input_usd_per_mtok=1.0, output_usd_per_mtok=0.0))
    alone = replace(snapshot, functions=(), results_tokens=0)

    assert snapshot.max_steps > 1
    assert most_micro_usd(task(), snapshot, prices) == 2 * snapshot.max_answer_tokens * snapshot.max_steps
    assert most_micro_usd(task(), alone, prices) == 2 * snapshot.max_answer_tokens
    assert (most_micro_usd(long, alone, read) or 0) > 10_000
    assert (most_micro_usd(task(), snapshot, read) or 0) > snapshot.max_steps * snapshot.results_tokens
    assert most_micro_usd(task(), snapshot, {first: price}) is None
