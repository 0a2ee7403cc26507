"""How an address is read: one form, one host, and no guess where readers differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_agent.tools.fetching.addresses import parse_address, redirect_target
from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://EXAMPLE.org:443/A?b=c#part", "https://example.org/A?b=c"),
        ("http://example.org./", "http://example.org/"),
        ("https://example.org?q=1", "https://example.org/?q=1"),
        (
            "https://he.wikipedia.org/wiki/ירושלים",
            "https://he.wikipedia.org/wiki/%D7%99%D7%A8%D7%95%D7%A9%D7%9C%D7%99%D7%9D",
        ),
        ("https://example.org/a_(b)|c", "https://example.org/a_%28b%29%7Cc"),
        ("https://example.org/50%", "https://example.org/50%25"),
        ("https://example.org/%2f%d7", "https://example.org/%2F%D7"),
        ("https://דוגמה.co.il/", "https://xn--6dbbec0c.co.il/"),
        ("http://93.184.215.14/", "http://93.184.215.14/"),
        ("http://[2606:4700:0:0::1111]/", "http://[2606:4700::1111]/"),
    ],
)
def test_an_address_has_one_form(written: str, text: str) -> None:
    assert parse_address(written).text == text
    assert parse_address(text).text == text


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", FetchCause.NOT_AN_ADDRESS),
        ("example.org/page", FetchCause.NOT_AN_ADDRESS),
        ("https:///page", FetchCause.NOT_AN_ADDRESS),
        ("https://example.org/a b", FetchCause.NOT_AN_ADDRESS),
        ("https://example.org/\r\nHost: other", FetchCause.NOT_AN_ADDRESS),
        ("https://example.org/" + "a" * 2048, FetchCause.NOT_AN_ADDRESS),
        ("ftp://example.org/", FetchCause.SCHEME),
        ("file:///etc/passwd", FetchCause.SCHEME),
        ("gopher://example.org/", FetchCause.SCHEME),
        ("javascript:alert(1)", FetchCause.SCHEME),
        ("https://example.org:8443/", FetchCause.PORT),
        ("http://example.org:6379/", FetchCause.PORT),
        ("http://example.org:0/", FetchCause.PORT),
        ("https://user@example.org/", FetchCause.LOGIN),
        ("https://user:word@example.org/", FetchCause.LOGIN),
        ("https://example.org@127.0.0.1/", FetchCause.LOGIN),
        ("https://example.org:80@127.0.0.1/", FetchCause.LOGIN),
        (r"https://example.org\@127.0.0.1/", FetchCause.LOGIN),
        (r"https://127.0.0.1\.example.org/", FetchCause.HOST_FORM),
        ("https://exa%6dple.org/", FetchCause.HOST_FORM),
        ("https://example.org:80:80/", FetchCause.HOST_FORM),
        ("https://::1/", FetchCause.HOST_FORM),
        ("https://[::1/", FetchCause.HOST_FORM),
        ("https://[fe80::1%25eth0]/", FetchCause.HOST_FORM),
        ("https://[127.0.0.1]/", FetchCause.HOST_FORM),
        ("https://-a.example.org/", FetchCause.HOST_FORM),
        ("https://a..example.org/", FetchCause.HOST_FORM),
        ("https://exam!ple.org/", FetchCause.HOST_FORM),
        # Forms that resolvers read as 127.0.0.1 or 169.254.169.254.
        ("http://2130706433/", FetchCause.HOST_FORM),
        ("http://017700000001/", FetchCause.HOST_FORM),
        ("http://0x7f000001/", FetchCause.HOST_FORM),
        ("http://0177.0.0.1/", FetchCause.HOST_FORM),
        ("http://0x7f.0.0.1/", FetchCause.HOST_FORM),
        ("http://127.1/", FetchCause.HOST_FORM),
        ("http://169.254.43518/", FetchCause.HOST_FORM),
        ("http://example.1/", FetchCause.HOST_FORM),
        ("http://256.1.1.1/", FetchCause.HOST_FORM),
        # Names of our own network.
        ("http://redis/", FetchCause.NOT_PUBLIC),
        ("http://localhost/", FetchCause.NOT_PUBLIC),
        ("http://ℓocalhost./", FetchCause.NOT_PUBLIC),
        ("http://metadata.google.internal/", FetchCause.NOT_PUBLIC),
        ("http://redis.openclaw-prod.svc.cluster.local/", FetchCause.NOT_PUBLIC),
    ],
)
def test_what_is_no_public_web_address_is_refused(written: str, why: FetchCause) -> None:
    with pytest.raises(NotFetched) as refused:
        parse_address(written)
    assert refused.value.why is why


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("http://１２７.０.０.１/", "127.0.0.1"),
        ("http://①②⑦.0.0.1/", "127.0.0.1"),
        ("http://127。0。0。1/", "127.0.0.1"),
        ("http://127.0.0.1./", "127.0.0.1"),
        ("http://ⓔⓧⓐⓜⓟⓛⓔ.org/", "example.org"),
        ("http://example。org/", "example.org"),
    ],
)
def test_other_digits_letters_and_dots_are_read_as_a_resolver_would(written: str, host: str) -> None:
    assert parse_address(written).host == host


def test_a_look_alike_shows_as_one() -> None:
    assert parse_address("https://аррӏе.com/").domain == "xn--80ak6aa92e.com"  # Cyrillic
    assert parse_address("https://www.example.org/").domain == "example.org"


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("/b", "https://example.org/b"),
        ("b?c", "https://example.org/x/b?c"),
        ("//other.org/b", "https://other.org/b"),
        ("http://other.org", "http://other.org/"),
    ],
)
def test_a_redirect_leads_on_from_where_it_stands(location: str, text: str) -> None:
    assert redirect_target(parse_address("https://example.org/x/y"), location).text == text


@pytest.mark.parametrize(
    "location",
    ["//user@other.org/", "http://[::1", r"/\127.0.0.1/", r"\\127.0.0.1\x", "file:///etc/passwd", "//redis/"],
)
def test_a_redirect_is_read_as_strictly(location: str) -> None:
    with pytest.raises(NotFetched):
        redirect_target(parse_address("https://example.org/"), location)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "https://example.org/", "http://1.", "//"]))
def test_whatever_is_taken_is_one_plain_address(text: str, before: str) -> None:
    try:
        address = parse_address(before + text)
    except NotFetched:
        return
    assert address.text.isascii()
    assert not set(address.text) & set(" \r\n\t\\<>\"`'()|{}^#*$")
    assert parse_address(address.text) == address
