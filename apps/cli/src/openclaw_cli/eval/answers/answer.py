"""One answer to a task of `evals/`, as the graders get it."""

from dataclasses import dataclass, field

from openclaw_core.tasks.steps import CodeRun, OpenedPage, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a prompt and a model made of a task."""

    markdown: str = field(repr=False)
    """The model's own text. What the bot writes below it, the list of sources and the record of runs, is left out: no prompt changes it."""
    steps: tuple[Step, ...] = field(default=(), repr=False)
    """The steps before it, with their calls and results."""
    micro_usd: int | None = None
    """What it cost, in millionths of a dollar; None where the model has no price."""
    seconds: float = 0.0
    """From the first request to the whole answer."""
    fault: str = ""
    """Why there is no answer; every check of it fails then."""

    @property
    def pages(self) -> tuple[OpenedPage, ...]:
        """The pages that were opened, each once, by number."""
        opened = {page.number: page for step in self.steps for result in step.results for page in result.pages}
        return tuple(opened[number] for number in sorted(opened))

    @property
    def runs(self) -> tuple[CodeRun, ...]:
        """What ran in the sealed runner, in order."""
        return tuple(result.ran for step in self.steps for result in step.results if result.ran is not None)

    @property
    def material(self) -> str:
        """All that the steps brought to the model."""
        return "\n\n".join(result.text for step in self.steps for result in step.results)
