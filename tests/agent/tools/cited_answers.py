"""Three pages that were opened, and what a chat shows of an answer that cites them."""

from collections.abc import Sequence

from openclaw_agent.tools.opened import Source
from openclaw_agent.tools.sources import finish
from openclaw_core.chat.paging import pages
from openclaw_core.ports import Page
from tests.core.page_checks import part

FOX = Source(
    number=1, url="https://a.org/fox?b=1&copy=2", domain="a.org", title="The fox",
    text="The quick brown fox jumps over the lazy dog[4]. It doesn't mind, said Dr. Levi: the dog was asleep at that time.",
)  # fmt: skip
LAW = Source(
    number=2, url="https://b.co.il/%D7%97%D7%95%D7%A7", domain="b.co.il", title="החוק",
    text='ראש הממשלה אמר כי "אין שום כוונה לשנות את החוק הקיים", והוסיף: בצה״ל לא היו דברים מעולם.',
)  # fmt: skip
THIRD = Source(
    number=3, url="https://xn--80ak6aa92e.com/", domain="xn--80ak6aa92e.com", title="", text="nothing of the kind"
)
OPENED = (FOX, LAW, THIRD)


def body_of(markdown: str) -> str:
    return markdown.partition("\n\n**Sources**")[0].partition("\n\n<blockquote expandable>")[0]


def said(text: str, opened: Sequence[Source] = OPENED) -> str:
    """What a chat shows of the answer, without the list."""
    return "\n".join(page.text for page in pages(body_of(finish(text, opened, lang="en")), lang="en")[0])


def links(page: Page) -> list[tuple[str, str]]:
    return [(part(page, one), one.url or "") for one in page.entities if one.type == "text_link"]


def one_page(text: str, opened: Sequence[Source] = OPENED) -> Page:
    (page,) = pages(finish(text, opened, lang="en"), lang="en")[0]
    return page
