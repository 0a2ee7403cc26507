"""What people see on the chat page, hear by a screen reader, and find their way by."""

from playwright.async_api import Browser, BrowserContext, Page, expect
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters

from openclaw_standin.bot_api import BotApi
from tests.standin.chat_browser import IN_A_BROWSER, EchoBot, say, shot
from tests.standin.conftest import TOKEN, bot_for

pytestmark = IN_A_BROWSER


async def test_hebrew_is_shown_from_right_to_left_and_english_beside_it_from_left(page: Page) -> None:
    await say(page, "מה ההבדל בין list ל־tuple?")

    mine = page.locator(".message.mine .line")
    await expect(mine).to_have_css("direction", "rtl")
    answer = page.locator(".message.theirs .line").first
    await expect(answer).to_contain_text("You said: מה")
    await expect(answer).to_have_css("direction", "ltr")
    await expect(page.locator(".message.theirs pre")).to_have_css("direction", "ltr")
    await page.get_by_role("textbox").fill("שלום")
    await expect(page.get_by_role("textbox")).to_have_css("direction", "rtl")
    await shot(page, "chat-hebrew")


async def test_markup_in_a_message_is_only_text(api: BotApi, page: Page) -> None:
    attack = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    await say(page, attack)

    await expect(page.locator(".message.mine .body")).to_have_text(attack)
    await expect(page.locator(".message.theirs .body")).to_contain_text(attack)
    assert await page.locator("#log img, #log script").count() == 0
    assert "hacked" not in await page.title() or (await page.title()).startswith("<img")


async def test_links_lead_only_to_the_web(api: BotApi, page: Page) -> None:
    chat_id = next(iter(api.state.chats))
    async with bot_for(api.url) as client:
        links = [MessageEntity("text_link", 4, 4, url="https://example.org/a")]
        sent = await client.send_message(chat_id, "bad good", entities=links)
    bad = {"type": "text_link", "offset": 0, "length": 3, "url": "javascript:alert(1)"}  # as no server would pass it on
    message = api.state.message(chat_id, sent.message_id)
    assert message is not None
    api.state.save_message(chat_id, {**message, "entities": [bad, *message["entities"]]})

    await expect(page.locator(".message a")).to_have_count(1)
    assert await page.locator(".message a").get_attribute("href") == "https://example.org/a"


async def test_no_sideways_scrolling_at_phone_width_even_with_long_words_and_code(
    api: BotApi, page: Page, bot: EchoBot
) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    await say(page, "https://example.org/" + "x" * 300)
    await say(page, "שורה ארוכה מאוד של עברית " * 12)

    await expect(page.locator(".message.theirs figure")).to_have_count(2)
    widths = await page.evaluate(
        "[document.documentElement.scrollWidth, document.querySelector('#scroll').scrollWidth]"
    )
    assert max(widths) <= 360
    await shot(page, "chat-phone")


async def test_the_list_of_chats_is_a_drawer_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    await expect(page.locator("#sidebar")).not_to_be_visible()

    await page.get_by_role("button", name="Chats").click()
    await expect(page.get_by_role("button", name="New chat", exact=True).first).to_be_focused()
    await page.wait_for_timeout(250)
    await shot(page, "chat-phone-drawer")
    await page.keyboard.press("Escape")

    await expect(page.locator("#sidebar")).not_to_be_visible()


async def test_dark_follows_the_system_until_the_user_decides(page: Page) -> None:
    main = page.locator(".main")
    light = await main.evaluate("node => getComputedStyle(node).backgroundColor")
    await page.emulate_media(color_scheme="dark")
    await expect(main).not_to_have_css("background-color", light)
    await say(page, "good evening")
    await expect(page.locator(".message.theirs figure")).to_have_count(1)
    await shot(page, "chat-dark")
    await page.get_by_role("button", name="Light colours").click()

    await expect(main).to_have_css("background-color", light)
    await page.reload()
    await expect(page.locator("#link")).to_have_text("Connected")
    await expect(main).to_have_css("background-color", light)


async def test_the_banner_and_the_roles_are_there_for_a_screen_reader(page: Page) -> None:
    await expect(page.locator("#notice")).to_have_text("A small English demo model answers here.")
    await expect(page.get_by_role("log", name="Messages")).to_have_attribute("aria-live", "polite")
    unnamed = await page.evaluate(
        "[...document.querySelectorAll('button,a,textarea')].filter(n => !(n.getAttribute('aria-label') || n.textContent.trim())).length"
    )
    assert unnamed == 0


async def test_typing_is_shown_until_the_message_comes(api: BotApi, page: Page) -> None:
    chat_id = next(iter(api.state.chats))
    async with bot_for(api.url) as client:
        await client.send_chat_action(chat_id, "typing")
        await expect(page.locator("#typing")).to_contain_text("OpenClaw is writing…")
        await client.send_message(chat_id, "done")

    await expect(page.locator("#typing")).to_be_empty()


async def test_a_hebrew_browser_gets_a_hebrew_page_and_its_own_commands(
    api: BotApi, bot: EchoBot, chromium: Browser
) -> None:
    context = await chromium.new_context(locale="he-IL", viewport={"width": 1100, "height": 720})
    page = await context.new_page()
    await page.goto(api.page_url)
    await expect(page.locator("#link")).to_have_text("מחובר")

    await expect(page.locator("html")).to_have_attribute("dir", "rtl")
    await page.get_by_role("textbox").press("/")
    await expect(page.get_by_role("option")).to_contain_text("לומר שלום")
    await shot(page, "chat-hebrew-page")
    user = next(iter(api.state.chats.values()))
    assert user.language_code == "he"
    await context.close()


def marked(text: str, *marks: tuple[str, str]) -> tuple[str, list[MessageEntity]]:
    """*text* with an entity for the first place of each marked part; `language:part` after `pre` names a language."""
    entities = []
    for kind, part in marks:
        language, _, code = part.partition(":") if kind == "pre" else (None, "", part)
        at = len(text[: text.index(code)].encode("utf-16-le")) // 2
        entities.append(MessageEntity(kind, at, len(code.encode("utf-16-le")) // 2, language=language))
    return text, entities


CODE = """def moving_average(values, size):
    total, out = 0.0, []
    for n, value in enumerate(values):
        total += value - (values[n - size] if n >= size else 0)
        out.append(total / min(n + 1, size))
    return out"""


ENGLISH = marked(
    "Keep a running total instead of summing each window again: every value is added once and taken away once, so the"
    f" work no longer grows with the window.\n\n{CODE}\n\nThe first size − 1 results average what there is so far. For"
    " long series of floats, math.fsum over blocks keeps the error small.",
    ("bold", "running total"),
    ("pre", f"python:{CODE}"),
    ("code", "size − 1"),
    ("code", "math.fsum"),
)


HEBREW = marked(
    "הקוד עובר על הערכים פעם אחת בלבד ושומר סכום רץ.\n\n• כל ערך חדש נוסף ל־total\n• הערך שיצא מהחלון מוחסר ממנו\n"
    "• התוצאה היא הסכום חלקי גודל החלון\n\nלכן הזמן הוא O(n), בלי תלות בגודל החלון.",
    ("bold", "פעם אחת בלבד"),
    ("code", "total"),
    ("code", "O(n)"),
)


async def test_a_conversation_in_two_languages_reads_well(context: BrowserContext) -> None:
    page = await context.new_page()
    await page.set_viewport_size({"width": 1180, "height": 880})
    async with BotApi.open(token=TOKEN, flood=False) as api, bot_for(api.url) as client:
        for text in ("Summarize the attached minutes", "מה חדש במשפחת העטלפים?"):
            api.users.write(api.users.new_user(first_name="You", language_code="en").id, text)
        chat_id = api.users.new_user(first_name="You", language_code="en").id
        await client.send_message(1_000_001, "Three decisions, two open questions.")
        await client.send_message(1_000_002, "שני מינים חדשים תוארו השנה.")
        api.users.write(chat_id, "Moving average of a list, without summing each window again?")
        await client.set_message_reaction(chat_id, 1, "👌")
        await client.send_message(chat_id, ENGLISH[0], entities=ENGLISH[1])
        api.users.write(chat_id, "תודה! אפשר להסביר בקצרה בעברית?")
        await client.set_message_reaction(chat_id, 3, "👀")
        keys = InlineKeyboardMarkup([[InlineKeyboardButton("עצירה", callback_data="stop:3")]])
        await client.send_message(chat_id, HEBREW[0], entities=HEBREW[1], reply_markup=keys)
        await page.goto(api.page_url)
        await page.locator(".chat").filter(has_text="Moving average").click()

        hebrew = page.locator(".message.theirs").last
        await expect(hebrew.locator(".line").first).to_have_css("direction", "rtl")
        await expect(hebrew.locator(".keys")).to_have_css("direction", "rtl")
        await expect(hebrew.locator("strong")).to_have_text("פעם אחת בלבד")
        await expect(hebrew.locator("code")).to_have_text(["total", "O(n)"])
        english = page.locator(".message.theirs").first
        await expect(english.locator("pre")).to_have_text(CODE)
        await expect(english.locator(".line").first).to_have_css("direction", "ltr")
        await page.wait_for_timeout(300)  # reactions pop in
        await shot(page, "chat-page")
        await page.emulate_media(color_scheme="dark")
        await shot(page, "chat-page-dark")
        await page.set_viewport_size({"width": 360, "height": 780})
        await page.wait_for_timeout(300)
        await shot(page, "chat-page-phone")


async def test_a_reply_quotes_what_it_answers_unless_that_stands_right_above(
    api: BotApi, context: BrowserContext
) -> None:
    chat_id = api.users.new_user(first_name="You", language_code="en").id
    page = await context.new_page()
    async with bot_for(api.url) as client:
        for text in ("first", "second"):
            api.users.write(chat_id, text)
        await client.send_message(chat_id, "to the second", reply_parameters=ReplyParameters(2))
        await client.send_message(chat_id, "to the first", reply_parameters=ReplyParameters(1))
    await page.goto(api.page_url)

    await expect(page.locator(".message.theirs .body")).to_have_text(["to the second", "firstto the first"])
    await expect(page.locator(".quoted")).to_have_text(["first"])
