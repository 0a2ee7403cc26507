"""What people write on the chat page, and what becomes of it: sent once and in order, answered, or kept in the field."""

import asyncio
import struct
import zlib

from playwright.async_api import Browser, FilePayload, Page, Route, expect

from openclaw_standin.bot_api import BotApi
from tests.standin.chat_browser import IN_A_BROWSER, EchoBot, say, shot
from tests.standin.conftest import TOKEN

pytestmark = IN_A_BROWSER


async def test_a_message_typed_in_is_answered_with_live_edits(page: Page, bot: EchoBot) -> None:
    bot.go_on.clear()
    await say(page, "hello there")

    answer = page.locator(".message.theirs .body")
    await expect(answer).to_have_text("You said: hel")
    await expect(page.locator(".message.mine .reaction")).to_have_text("👀")
    bot.go_on.set()
    await expect(answer).to_contain_text("You said: hello there")
    await expect(answer.locator("strong")).to_have_text("You said")
    await expect(answer.locator("figure figcaption")).to_contain_text("python")
    await expect(page.locator(".message.theirs")).to_have_count(1)
    await shot(page, "chat-light")


async def test_a_button_is_pressed_and_the_bot_hears_of_it(page: Page, bot: EchoBot) -> None:
    bot.go_on.clear()
    await say(page, "a long story")

    await page.get_by_role("button", name="Stop", exact=True).click()

    await expect(page.locator(".toast")).to_have_text("Stopped.")
    assert bot.pressed == ["stop:1"]
    bot.go_on.set()
    await expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


async def test_a_message_written_while_another_is_on_its_way_is_sent_after_it(page: Page, bot: EchoBot) -> None:
    let_go = asyncio.Event()

    async def slow(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    await page.route("**/say", slow)
    await say(page, "the first")
    await say(page, "the second")
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("")
    let_go.set()

    await expect(page.locator(".message.mine .body")).to_have_text(["the first", "the second"])


async def test_a_button_that_speaks_for_its_user_does_not_overtake_a_message_on_its_way(page: Page) -> None:
    let_go = asyncio.Event()

    async def slow(route: Route) -> None:
        if "the first" in (route.request.post_data or ""):
            await let_go.wait()
        await route.continue_()

    await page.route("**/say", slow)
    await say(page, "the first")
    await page.get_by_role("button", name="/start").click()
    await page.wait_for_timeout(300)  # time in which it could overtake
    let_go.set()

    await expect(page.locator(".message.mine .body")).to_have_text(["the first", "/start"])


async def test_a_button_that_could_not_speak_leaves_the_draft_alone(page: Page) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, body="{}")

    await page.route("**/say", refuse)
    field = page.get_by_role("textbox", name="Message")
    await field.fill("half a thought")
    await page.get_by_role("button", name="/start").click()

    await expect(page.locator(".toast")).to_have_text("OpenClaw does not answer right now.")
    await expect(field).to_have_value("half a thought")


async def test_messages_that_could_not_be_sent_stand_in_the_field_again(page: Page) -> None:
    asked = asyncio.Event()

    async def refuse(route: Route) -> None:
        await asked.wait()
        await route.fulfill(status=503, body="{}")

    await page.route("**/say", refuse)
    await say(page, "the first")
    await say(page, "the second")
    field = page.get_by_role("textbox", name="Message")
    await field.fill("half a third")
    asked.set()

    await expect(field).to_have_value("the first\nthe second\nhalf a third")
    await expect(page.locator(".toast")).to_have_count(1)


async def test_each_conversation_keeps_its_own_messages_and_draft(page: Page) -> None:
    await say(page, "first question")
    await expect(page.locator(".message.theirs figure")).to_have_count(1)
    await page.get_by_role("textbox").fill("half a thought")
    await page.get_by_role("button", name="New chat", exact=True).first.click()
    await expect(page.locator(".message")).to_have_count(0)
    await say(page, "second question")
    await expect(page.locator(".chat")).to_have_count(2)

    await page.locator(".chat", has_text="first question").click()

    await expect(page.locator(".message.mine .body")).to_have_text("first question")
    await expect(page.get_by_role("textbox")).to_have_value("half a thought")
    await page.reload()
    await expect(page.locator(".message.mine .body")).to_have_text("first question")


async def test_everything_works_by_keyboard_alone(page: Page, bot: EchoBot) -> None:
    bot.go_on.clear()
    await page.keyboard.press("/")
    await expect(page.get_by_role("option")).to_have_count(2)
    await expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    await shot(page, "chat-commands")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox")).to_have_value("/stop ")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("now")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.mine .line")).to_have_text(["/stop", "now"])

    stop = page.get_by_role("button", name="Stop", exact=True)
    await expect(stop).to_be_visible()
    for _ in range(20):
        await page.keyboard.press("Shift+Tab")
        if await stop.evaluate("node => node === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_be_visible()
    assert bot.pressed == ["stop:1"]


async def test_a_file_goes_up_and_another_comes_down(page: Page, bot: EchoBot) -> None:
    await page.locator("#file").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"quiet"})
    await page.get_by_role("textbox").fill("please")
    await page.keyboard.press("Enter")

    link = page.locator(".message.theirs a.file")
    await expect(link).to_contain_text("LOUD.txt")
    async with page.expect_download() as download:
        await link.click()
    path = await (await download.value).path()
    assert path.read_bytes() == b"QUIET"
    assert bot.files == [("note.txt", b"quiet")]
    await expect(page.locator(".message.mine")).to_contain_text("please")
    await shot(page, "chat-file")


def drawing(width: int, height: int) -> bytes:
    """A PNG that a browser can show."""
    rows = b"".join(b"\0" + bytes((x * 255 // width, y * 255 // height, 120)[n] for x in range(width) for n in range(3)) for y in range(height))  # fmt: skip
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


async def test_a_picture_goes_up_as_a_photo_and_is_shown(page: Page, api: BotApi) -> None:
    photo: FilePayload = {"name": "sky.png", "mimeType": "image/png", "buffer": drawing(64, 48)}
    await page.locator("#file").set_input_files(photo)
    await page.get_by_role("textbox").fill("what is it?")
    await page.keyboard.press("Enter")

    message = page.locator(".message.mine")
    await expect(message).to_contain_text("what is it?")
    shown = message.locator("img.picture")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])") == [
        64,
        48,
    ]
    [sent] = [one for chat in api.state.chats for one in api.messages(chat) if "photo" in one]
    assert (sent["photo"][0]["width"], sent["caption"]) == (64, "what is it?")


SECRET = "of-one-data-folder-0000"


async def test_a_lost_connection_is_said_and_heals_with_nothing_missing(chromium: Browser) -> None:
    context = await chromium.new_context()
    page = await context.new_page()
    async with BotApi.open(token=TOKEN, page_secret=SECRET) as first:
        port = int(first.url.rpartition(":")[2])
        await page.goto(first.page_url)
        await expect(page.locator("#link")).to_have_text("Connected")
        await page.get_by_role("textbox").fill("do not lose me")

    await expect(page.locator("#lost")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast").first).to_contain_text("Not sent")
    await expect(page.get_by_role("textbox")).to_have_value("do not lose me")
    await shot(page, "chat-lost")

    async with BotApi.open(token=TOKEN, port=port, page_secret=SECRET) as second:
        await expect(page.locator("#link")).to_have_text("Connected")
        await expect(page.locator("#lost")).not_to_be_visible()
        await page.get_by_role("textbox").press("Enter")
        await expect(page.locator(".message.mine .body")).to_have_text("do not lose me")
        assert [m["text"] for chat in second.state.chats for m in second.messages(chat)] == ["do not lose me"]
    await context.close()
