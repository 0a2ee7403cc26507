"""Pictures that people send: what becomes a picture of a task, and that a bot whose models see none goes on as before."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.queue.consumer import reading_role, routing_text
from openclaw_brain.telegram.content import PHOTO_MAX_BYTES
from openclaw_brain.telegram.incoming import Incoming, read_update
from openclaw_core.roles.values import READ_DOCUMENT, Roles
from openclaw_core.tasks.task import PICTURES_MAX_BYTES, Attachment
from tests.brain.gather.conftest import desk, receives
from tests.brain.gather.desk import ALBUM, GROUP, MENTION, Desk, Receives, said
from tests.brain.intake_chat import BOT, NOTHING, Row, kinds, rows, task_of
from tests.core.store_world import task
from tests.shipped import ROLES

__all__ = ["desk", "receives"]


def size(file_id: str, width: int, file_size: int | None) -> dict[str, Any]:
    known = {} if file_size is None else {"file_size": file_size}
    return {"file_id": file_id, "file_unique_id": f"u{file_id}", "width": width, "height": width * 3 // 4, **known}


PHOTO: dict[str, Any] = {"photo": [size("s", 90, 1_000), size("m", 800, 90_000), size("l", 1280, 200_000)]}
PICTURE_FILE: dict[str, Any] = {"document": {"file_id": "d", "file_name": "plan.png", "file_size": 9}}
SCAN: dict[str, Any] = {"document": {"file_id": "t", "file_name": "scan.tiff", "mime_type": "image/tiff"}}
NOTES: dict[str, Any] = {"document": {"file_id": "f", "file_name": "notes.md", "file_size": 9}}


def read(**fields: Any) -> Incoming:
    message = {"message_id": 5, "date": 1, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, **fields}
    return read_update({"update_id": 3, "message": message}, BOT)


def says(*, sees: bool = True, **fields: Any) -> list[Row]:
    intake = Intake(roles=ROLES, access=Access(users=None), sees_pictures=sees)
    return rows(intake, read(**fields), NOTHING)


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [
        (PHOTO["photo"], "l"),
        (PHOTO["photo"][::-1], "l"),
        ([*PHOTO["photo"], size("xl", 2560, PHOTO_MAX_BYTES + 1)], "l"),
        ([size("s", 90, None), size("l", 1280, None)], "l"),
        ([size("a", 2000, PHOTO_MAX_BYTES + 1), size("b", 3000, PHOTO_MAX_BYTES + 2)], "a"),
    ],
)
def test_the_largest_size_of_a_photo_that_fits_is_taken(sizes: list[Any], taken: str) -> None:
    found = read(photo=sizes).attachment
    assert found is not None
    assert (found.kind, found.file_id) == ("picture", taken)


@pytest.mark.parametrize("sizes", [None, [], [{}], ["x"], [{"file_id": 4}], {"file_id": "x"}])
def test_a_photo_that_names_no_file_is_one_that_nobody_sees(sizes: Any) -> None:
    incoming = read(photo=sizes, caption="what is it?")
    assert (incoming.attachment, incoming.unseen) == (None, "photo")


def test_three_photos_of_the_largest_size_fit_into_one_task() -> None:
    assert 3 * PHOTO_MAX_BYTES <= PICTURES_MAX_BYTES


@pytest.mark.parametrize(
    "fields", [PICTURE_FILE, {"document": {"file_id": "d", "file_name": "x", "mime_type": "image/webp"}}]
)
def test_a_picture_that_was_sent_as_a_file_is_one_too(fields: dict[str, Any]) -> None:
    [effect] = says(caption="what is it?", **fields)
    assert [(one.kind, one.file_id) for one in task_of(effect).attachments] == [("picture", "d")]


def test_kinds_of_pictures_that_models_do_not_take_are_files_that_nobody_reads() -> None:
    [effect] = says(caption="what is it?", **SCAN)
    assert (task_of(effect).attachments, task_of(effect).unseen) == ((), "file")


def test_a_photo_with_a_question_or_alone_is_a_task() -> None:
    for caption in (dict[str, Any](caption="what is it?"), dict[str, Any]()):
        [effect] = says(**PHOTO, **caption)
        one = task_of(effect)
        assert (one.text, one.unseen, one.attachments[0].file_id) == (caption.get("caption", ""), "", "l")
    [effect] = says(**PHOTO, caption="/code rebuild this page")
    assert (task_of(effect).role, len(task_of(effect).attachments)) == ("coder", 1)


def test_a_question_may_reply_to_a_photo() -> None:
    [effect] = says(text="what is it?", reply_to_message={"message_id": 4, **PHOTO, "caption": "look"})
    one = task_of(effect)
    assert (one.text, one.quoted, one.unseen, one.attachments[0].file_id) == ("what is it?", "look", "", "l")


def test_a_photo_beside_a_question_about_a_file_gives_way_to_the_file() -> None:
    [effect] = says(**PHOTO, caption="is this in it?", reply_to_message={"message_id": 4, **NOTES})
    one = task_of(effect)
    assert ([one.kind for one in one.attachments], one.unseen) == (["file"], "photo")


def test_a_picture_that_no_request_has_room_for_is_told_how_to_send_it() -> None:
    large: dict[str, Any] = {"document": {**PICTURE_FILE["document"], "file_size": PICTURES_MAX_BYTES + 1}}
    [effect] = says(caption="what is it?", **large)
    assert (effect["kind"], effect["args"]) == ("unsupported", {"what": "large_picture"})
    assert task_of(effect).unseen == "photo"


def test_another_photo_in_place_of_the_first_is_new_content() -> None:
    photos: list[dict[str, Any]] = [PHOTO, {"photo": [size("n", 1280, 200_000)]}, {"photo": [{}]}]
    digests = {read(caption="x", **fields).content_digest for fields in photos}
    assert len(digests) == 3


@pytest.mark.parametrize("fields", [PHOTO, PICTURE_FILE])
def test_where_no_model_sees_words_are_answered_and_a_picture_alone_is_told(fields: dict[str, Any]) -> None:
    [effect] = says(sees=False, caption="who painted it?", **fields)
    assert (task_of(effect).text, task_of(effect).unseen, task_of(effect).attachments) == (
        "who painted it?",
        "photo",
        (),
    )
    assert kinds(says(sees=False, **fields)) == ["unsupported"]
    [effect] = says(sees=False, text="who painted it?", reply_to_message={"message_id": 4, **fields})
    assert (task_of(effect).unseen, task_of(effect).attachments) == ("photo", ())


async def test_photos_of_an_album_are_one_task(desk: Desk, receives: Receives) -> None:
    see(desk)
    await receives(said("compare them", **PHOTO, **ALBUM), said(photo=[size("n", 9, 9)], **ALBUM))
    [one] = await desk.waiting()
    assert (one.text, [kept.file_id for kept in one.attachments]) == ("compare them", ["l", "n"])
    assert await desk.notices() == []


async def test_in_a_group_a_photo_joins_the_question_that_it_belongs_to(desk: Desk, receives: Receives) -> None:
    see(desk)
    await receives(said("@OpenClawBot what is this?", chat=GROUP, **MENTION), said(**PHOTO, chat=GROUP))
    [one] = await desk.waiting(GROUP["id"])
    assert ([kept.kind for kept in one.attachments], one.unseen) == (["picture"], "")


def see(desk: Desk) -> None:
    object.__setattr__(desk.handler.intake, "sees_pictures", True)


# ---- which role


def seeing(*names: str) -> Roles:
    """The shipped roles, of which *names* have a model that sees."""
    return replace(
        ROLES, roles={name: replace(role, seeing=("m",) if name in names else ()) for name, role in ROLES.roles.items()}
    )


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("coder",), "coder"),
        (("summarizer", "researcher"), "researcher"),  # the default comes first
        (("summarizer",), "summarizer"),
        ((), "coder"),
    ],
)
def test_a_task_with_a_picture_goes_to_a_role_that_sees(names: tuple[str, ...], taken: str) -> None:
    one = replace(task(1), attachments=(Attachment(kind="picture", file_id="p"),))
    assert reading_role(seeing(*names), "coder", one) == taken
    assert routing_text(replace(one, text="")) == "what is in this picture?"


def test_a_document_counts_before_a_picture() -> None:
    both = replace(task(1), attachments=tuple(Attachment(kind=kind, file_id="x") for kind in ("picture", "document")))
    roles = seeing("coder")
    reading = {
        name: replace(role, functions=(READ_DOCUMENT,) if name == "summarizer" else ())
        for name, role in roles.roles.items()
    }
    assert reading_role(replace(roles, roles=reading), "coder", both) == "summarizer"


def test_every_shipped_role_has_a_model_that_sees() -> None:
    assert {role.seeing for role in ROLES.roles.values()} == {("qwen/qwen3.8-27b",)}
