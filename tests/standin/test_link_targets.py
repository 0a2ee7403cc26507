"""The check that answers pass before they are sent lets nothing through that Telegram's server refuses: two readings of one rule."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from openclaw_core.chat.markdown.links import followable
from openclaw_standin.link_targets import WrongTarget, checked_target

PIECES = st.sampled_from(
    ["http://", "https://", "HTTPS://", "tg://", "a", "b.co", ".", "..", ":", ":80", ":0", ":99999", "@", "/", "?q=1", "#x", "[", "]", "::1", "%41", "%4",
     " ", "\t", "{", "עברית", "user", "localhost", "-", "_", "\\", '"', "(", ")", "&", "🙂"]
)  # fmt: skip
ADDRESSES = st.lists(PIECES, max_size=8).map("".join) | st.lists(PIECES, max_size=6).map(
    lambda p: "https://" + "".join(p)
)


@given(ADDRESSES)
@settings(max_examples=2000, deadline=None)
@example("https://a.b:80@c.d/x")
@example("https://[::1]:80/")
@example("https://a.b\\@c.d")
def test_what_we_link_the_server_takes_and_leads_to_the_web(address: str) -> None:
    if followable(address):
        assert re.match("https?://", checked_target(address))


@given(ADDRESSES)
@settings(max_examples=2000, deadline=None)
def test_what_the_server_takes_as_a_web_address_we_link(address: str) -> None:
    try:
        checked_target(address)
    except WrongTarget:
        return
    if re.match("https?://", address, re.IGNORECASE) and not re.search(r"[\x00-\x20]", address):
        assert followable(address)
