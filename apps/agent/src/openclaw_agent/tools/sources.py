"""What a reader may trust in an answer: each number links to a page that this run opened, and the list below has what was opened. Pure.

Whatever the model writes: no number without an entry, no link that was not opened, no quotation of a page that does not
say it. Code is not looked at: it is shown as it is.
"""

import re
from collections.abc import Sequence

from openclaw_agent.tools.citing import held_back, numbers, quotations
from openclaw_agent.tools.citing.listing import literal, source_list
from openclaw_agent.tools.citing.numbers import Pages
from openclaw_agent.tools.opened import Source
from openclaw_core import characters
from openclaw_core.chat.markdown.blocks import convert_markdown
from openclaw_core.chat.markdown.spans import RichText
from openclaw_core.ports import Lang
from openclaw_core.texts import wording
from openclaw_core.texts.notes import with_note
from openclaw_core.texts.wording import Sentence

_NUMBER = re.compile(rf"[{numbers.OPEN}]\s*\d{{1,3}}\s*[{numbers.CLOSE}]")
_ADDRESS = re.compile(r"(?:https?|tg|ton|ftp)://(?=\S)|(?<![\w.@/-])www\.\w", re.IGNORECASE)


def finish(text: str, opened: Sequence[Source], *, lang: Lang, unopened: Sentence | None = Sentence.FROM_MEMORY) -> str:
    """The whole answer *text* as it is shown: Markdown with links, and below it the list of *opened*, or *unopened* if there are none."""
    pages = {page.number: page for page in opened}
    body = characters.cleaned(text)
    if pages or unopened:  # without a page, what the model lists as its sources was opened by nobody
        body = held_back.without_own_list(body) or body
    marked = _checked(body, pages)
    shown = numbers.second_pass(marked, pages)
    whole = _with(shown, _below(marked, pages, lang, unopened))
    if _is_honest(convert_markdown(whole), pages):
        return whole
    return _with(_plain(convert_markdown(shown)), _below("", pages, lang, unopened))


def _with(shown: str, below: str) -> str:
    return with_note(shown, below) if below else shown


def _below(marked: str, pages: Pages, lang: Lang, unopened: Sentence | None) -> str:
    """The list for an answer with the numbers of *marked*, or that nothing was opened."""
    if not pages:
        return f"_{wording.sentence(unopened, lang)}_" if unopened else ""
    order = numbers.cited(marked, pages)
    return source_list(
        [pages[number] for number in order], [page for number, page in pages.items() if number not in order], lang
    )


def growing(text: str, opened: Sequence[Source]) -> str:
    """A text that is still being written, as a preview of it: without what the next words may change, and without the list."""
    pages = {page.number: page for page in opened}
    text = held_back.shown(characters.cleaned(text))
    shown = numbers.second_pass(_checked(text, pages), pages)
    # Markdown has more ways to write a mark than the passes know. The converter that the chat's messages come from says what became of it.
    rich = convert_markdown(shown, grows=True)
    return shown if _is_honest(rich, pages) else _plain(rich)


def _checked(text: str, pages: Pages) -> str:
    return numbers.first_pass(quotations.checked(text, pages) if pages else text, pages)


def _is_honest(rich: RichText, pages: Pages) -> bool:
    """Whether all numbers and addresses of *rich* outside of code lie in links, and all links lead to *pages*, each by its number."""
    links = [span for span in rich.spans if span.kind == "text_link"]
    hidden = [span for span in rich.spans if span.kind in ("code", "pre")]
    urls = {page.url.replace("*", "%2A"): page.number for page in pages.values()}
    for link in links:
        label, own = rich.text[link.start : link.end], f"[{urls.get(link.url or '')}]"
        if label != own and not label.startswith(f"{own} "):  # a line of the list
            return False
    free = bytearray(b"\1" * len(rich.text))
    for span in (*links, *hidden):
        free[span.start : span.end] = bytes(span.end - span.start)
    found = (*_NUMBER.finditer(rich.text), *_ADDRESS.finditer(rich.text))
    return not any(any(free[one.start() : one.end()]) for one in found)


def _plain(rich: RichText) -> str:
    """*rich* as Markdown that says just its words, numbers and addresses so that nobody takes them for any. Blocks of code stay."""
    parts, at = [], 0
    for span in sorted(span for span in rich.spans if span.kind == "pre"):
        if span.start < at:
            continue
        code = rich.text[span.start : span.end]
        fence = "`" * (1 + max(2, *map(len, re.findall("`+", code)), 2))
        parts += [_literal(rich.text[at : span.start]), f"\n{fence}{span.language or ''}\n{code}\n{fence}\n"]
        at = span.end
    return "".join([*parts, _literal(rich.text[at:])])


def _literal(text: str) -> str:
    text = _NUMBER.sub(lambda found: f"({found[0][1:-1].strip()})", text)
    text = _ADDRESS.sub(lambda found: found[0].replace("://", ": //").replace("www.", "www. "), text)
    return "\n".join(literal(line.lstrip()) for line in text.split("\n"))
