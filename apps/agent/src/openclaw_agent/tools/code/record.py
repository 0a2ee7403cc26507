"""What is kept of a run of code: the record for the reader, the pictures for the chat, and the words for the model. Pure."""

from openclaw_agent.tools.framing import framed
from openclaw_agent.tools.tool import bounded
from openclaw_core.sealed import File, Outcome, ProgramLanguage, RunResult
from openclaw_core.sealed.values import media_type
from openclaw_core.tasks.steps import CodeRun, Ended

PICTURES_MAX = 3
PICTURE_MAX_BYTES = 2 << 20
RECORD_MAX_CHARS = 2000
"""Of each output in the record. A reader sees the first lines alone."""
STDOUT_MAX_TOKENS, STDERR_MAX_TOKENS, TEST_MAX_TOKENS = 1500, 1000, 800
"""Of what the model reads."""
_PICTURES = ("image/png", "image/jpeg")


def recorded(language: ProgramLanguage, result: RunResult) -> tuple[CodeRun, tuple[File, ...]]:
    """The record of a run, which names all files, and its pictures."""
    pictures = [file for file in result.files if media_type(file) in _PICTURES and len(file.data) <= PICTURE_MAX_BYTES]
    run = CodeRun(
        language=language.value,
        program=_ended(result.program),
        test=None if result.test is None else _ended(result.test),
        files=tuple(file.name for file in result.files),
    )
    return run, tuple(pictures[:PICTURES_MAX])


def _ended(outcome: Outcome) -> Ended:
    errors = outcome.stderr.strip("\n")
    return Ended(
        exit_code=outcome.exit_code,
        cause=outcome.cause.value if outcome.cause else "",
        seconds=round(outcome.seconds, 2),
        output=outcome.stdout.strip("\n")[:RECORD_MAX_CHARS],
        errors=errors[-RECORD_MAX_CHARS:],  # a traceback names the error in its last line
    )


def run_report(language: ProgramLanguage, result: RunResult) -> str:
    """What the model reads. Outputs are framed: a program may print a stranger's words."""
    program, test = result.program, result.test
    parts = [f"{language.value}: {_how(program)}."]
    parts += _outputs("output", program.stdout, program.stdout_dropped, STDOUT_MAX_TOKENS)
    parts += _outputs("errors", program.stderr, program.stderr_dropped, STDERR_MAX_TOKENS)
    if test is not None:
        parts.append("The test passed." if test.succeeded else f"The test failed: {_how(test)}.")
        if not test.succeeded:
            parts += _outputs("test", test.stdout + test.stderr, test.stdout_dropped, TEST_MAX_TOKENS)
    if result.files:
        parts.append("Files that it made: " + ", ".join(file.name for file in result.files) + ".")
    if result.files_dropped:
        parts.append(f"{result.files_dropped} more were too many, too large or of another kind.")
    return "\n".join(parts)


def _how(outcome: Outcome) -> str:
    if outcome.cause is None:
        return f"exit code {outcome.exit_code} after {outcome.seconds:.2f} s"
    return f"ended by the runner ({outcome.cause.value}{': ' + outcome.why if outcome.why else ''}) after {outcome.seconds:.2f} s"


def _outputs(name: str, text: str, dropped: int, max_tokens: int) -> list[str]:
    if not text.strip():
        return []
    more = [f"{dropped} bytes more were not kept."] if dropped else []
    # Numbers in brackets stay: `[1]` is a list here, and no page.
    return [framed(bounded(text.strip("\n"), max_tokens), name=name, numbers=True), *more]
