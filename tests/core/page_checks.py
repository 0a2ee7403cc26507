"""What is true of every Telegram message, and how a test looks at one."""

from openclaw_core.chat.paging import pages
from openclaw_core.ports import Entity, Page

RLM = "\u200f"


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def part(page: Page, entity: Entity) -> str:
    raw = page.text.encode("utf-16-le")
    return raw[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


def marked(page: Page, kind: str) -> list[str]:
    return [part(page, entity) for entity in page.entities if entity.type == kind]


def only(markdown: str) -> Page:
    (page,), files = pages(markdown, lang="en")
    assert files == ()
    return page


def assert_valid(page: Page) -> None:
    assert 1 <= units(page.text) <= 4096
    assert page.text == page.text.strip() or page.entities  # only code may keep its indentation
    assert any(not char.isspace() and char != RLM for char in page.text)
    assert len(page.entities) <= 100
    size = units(page.text)
    for entity in page.entities:
        assert entity.length > 0
        assert entity.offset >= 0
        assert entity.offset + entity.length <= size
        part(page, entity)  # decodes: no cut through a surrogate pair
        assert (entity.url is not None) == (entity.type == "text_link")
    ranges = sorted((entity.offset, -entity.length, entity.type) for entity in page.entities)
    for at, (start, negative, kind) in enumerate(ranges):
        end = start - negative
        for other_start, other_negative, other_kind in ranges[at + 1 :]:
            other_end = other_start - other_negative
            assert other_start >= end or other_end <= end, "entities cross"
            if other_start < end:
                assert kind not in ("pre", "code"), "nothing may stand inside code"
                assert not (
                    other_kind in ("pre", "code") and (other_start, other_end) == (start, end) and "quote" not in kind
                )
                assert other_kind != kind


def long_code(lines: int = 60) -> str:
    return "\n".join(f"x{number} = {number}" for number in range(lines))
