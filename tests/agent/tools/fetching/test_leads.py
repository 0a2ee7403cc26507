"""Where a fetch may lead: resolvers, redirects and certificates that lie. The servers are real ones of this machine."""

import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw_agent.tools.fetching.connecting import PublicOnly, system_addresses
from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched
from openclaw_agent.tools.fetching.fetcher import Fetcher
from tests.agent.tools.fetching.asking import fetched, refused
from tests.agent.tools.web import PRIVATE, PUBLIC, Web, certificate, leads_to, opened, reply


async def test_a_host_is_resolved_once_and_that_address_is_connected_to(web: Web) -> None:
    web.names["rebinds.org"] = [[PUBLIC], [PRIVATE], ["169.254.169.254"]]
    web["rebinds.org/"] = reply("public")

    got = await fetched(web, "rebinds.org/")

    assert got.body == b"public"
    assert web.resolved == ["rebinds.org"]
    assert [at for at, _ in web.heads] == [PUBLIC]


async def test_a_host_that_rebinds_between_redirects_is_looked_at_again(web: Web) -> None:
    web.names["rebinds.org"] = [[PUBLIC], [PRIVATE]]
    web["rebinds.org/"] = leads_to("/inside")

    assert await refused(web, "rebinds.org/") is FetchCause.NOT_PUBLIC
    assert [at for at, _ in web.heads] == [PUBLIC]


@pytest.mark.parametrize(
    "addresses",
    [[PRIVATE], ["10.0.0.1"], ["169.254.169.254"], ["100.64.0.9"], ["0.0.0.0"], ["::1"], ["::ffff:127.0.0.2"], ["64:ff9b::7f00:2"],
     ["2002:7f00:2::"], ["fd00:ec2::254"], ["fe80::1%lo"], ["224.0.0.1"], [PUBLIC, PRIVATE], [PRIVATE, PUBLIC], ["not an address"]],
)  # fmt: skip
async def test_a_name_that_leads_into_our_network_is_refused(web: Web, addresses: Sequence[str]) -> None:
    web.names["inside.org"] = [addresses]

    assert await refused(web, "inside.org/") is FetchCause.NOT_PUBLIC
    assert web.heads == []


@pytest.mark.parametrize("addresses", [[], ["2606:4700::1"]])
async def test_a_name_without_a_server_is_none(web: Web, addresses: Sequence[str]) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("no such name")
        return []

    fetcher = replace(web.fetcher(), network=PublicOnly(resolve=lookup))
    with pytest.raises(NotFetched) as exc:
        await fetcher.fetch("http://nowhere.org/")
    assert exc.value.why is FetchCause.NO_SUCH_HOST


@pytest.mark.parametrize(
    ("host", "why"),
    [("127.0.0.2", FetchCause.NOT_PUBLIC), ("169.254.169.254", FetchCause.NOT_PUBLIC), ("[::ffff:169.254.169.254]", FetchCause.NOT_PUBLIC),
     ("[0:0:0:0:0:FFFF:A9FE:A9FE]", FetchCause.NOT_PUBLIC), ("[fd00:ec2::254]", FetchCause.NOT_PUBLIC),
     ("[::1]", FetchCause.NOT_PUBLIC), ("[::ffff:127.0.0.2]", FetchCause.NOT_PUBLIC),
     ("[::ffff:7f00:2]", FetchCause.NOT_PUBLIC), ("[64:ff9b::a9fe:a9fe]", FetchCause.NOT_PUBLIC),
     ("[2002:7f00:2::]", FetchCause.NOT_PUBLIC), ("127.0.0.2.", FetchCause.NOT_PUBLIC),
     ("１２７.０.０.２", FetchCause.NOT_PUBLIC), ("2130706434", FetchCause.HOST_FORM), ("0x7f.0.0.2", FetchCause.HOST_FORM),
     ("0177.0.0.2", FetchCause.HOST_FORM),
     ("localhost", FetchCause.NOT_PUBLIC), ("redis", FetchCause.NOT_PUBLIC)],
)  # fmt: skip
async def test_a_host_that_is_inside_is_refused_in_each_of_its_forms_also_behind_a_redirect(
    web: Web, host: str, why: FetchCause
) -> None:
    assert await refused(web, f"{host}/") is why

    web["outside.org/"] = leads_to(f"http://{host}:{web.port}/")
    assert await refused(web, "outside.org/") is why
    assert [at for at, _ in web.heads] == [PUBLIC]


@pytest.mark.parametrize(
    ("location", "why"),
    [("ftp://example.org/", FetchCause.SCHEME), ("file:///etc/passwd", FetchCause.SCHEME), ("http://example.org:6379/", FetchCause.PORT),
     ("http://user:word@example.org/", FetchCause.LOGIN), ("http://exa mple.org/", FetchCause.NOT_AN_ADDRESS),
     (r"http://example.org\@127.0.0.2/", FetchCause.NOT_AN_ADDRESS),
     ("", FetchCause.BROKEN), ("x" * 3000, FetchCause.NOT_AN_ADDRESS)],
)  # fmt: skip
async def test_a_redirect_may_lead_only_where_a_person_might_have_sent_us(
    web: Web, location: str, why: FetchCause
) -> None:
    web["outside.org/"] = leads_to(location)

    assert await refused(web, "outside.org/") is why


@pytest.mark.parametrize("last", ["[::ffff:a9fe:a9fe]", "metadata.example.org"])
async def test_no_chain_of_redirects_ends_at_the_metadata_of_a_cloud(web: Web, last: str) -> None:
    web.names["metadata.example.org"] = [["::ffff:169.254.169.254"]]
    web["example.org/"] = leads_to(f"http://example.net:{web.port}/next")
    web["example.net/next"] = leads_to(f"//example.com:{web.port}/last")
    web["example.com/last"] = leads_to(f"http://{last}:{web.port}/latest/meta-data/")

    assert await refused(web, "example.org/") is FetchCause.NOT_PUBLIC
    assert [at for at, _ in web.heads] == [PUBLIC] * 3


async def test_three_redirects_are_followed_and_no_fourth(web: Web) -> None:
    for step in range(4):
        web[f"example.org/{step}"] = leads_to(f"/{step + 1}", status=("301 M", "303 S", "307 T", "308 P")[step])
    web["example.org/4"] = reply("end")

    assert (await fetched(web, "example.org/1")).address.target == "/4"
    assert await refused(web, "example.org/0") is FetchCause.REDIRECTS


async def test_the_next_address_of_a_host_is_tried_where_one_does_not_answer(web: Web) -> None:
    free = web.port
    web.names["two.org"] = [["127.0.0.9", PUBLIC]]  # nobody listens at the first one
    web["two.org/"] = reply("here")
    network = PublicOnly(resolve=web.resolve, allow=lambda address: address in ("127.0.0.9", PUBLIC))

    got = await replace(web.fetcher(), network=network).fetch(f"http://two.org:{free}/")

    assert got.body == b"here"


async def test_production_opens_no_other_port_and_no_address_of_this_machine() -> None:
    async with opened() as web:
        with pytest.raises(NotFetched) as port:
            await Fetcher().fetch(f"http://{PUBLIC}:{web.port}/")
        with pytest.raises(NotFetched) as place:
            await Fetcher().fetch(f"http://{PUBLIC}/")

        assert (port.value.why, place.value.why) == (FetchCause.PORT, FetchCause.NOT_PUBLIC)
        assert web.heads == []


async def test_the_systems_resolver_knows_no_such_name_and_ends() -> None:
    with pytest.raises(OSError):
        await system_addresses("name..invalid", 80)


# ---- TLS


@pytest.mark.parametrize(("name", "why"), [("true.org", None), ("false.org", FetchCause.CERTIFICATE)])
async def test_a_certificate_is_for_the_name_and_not_for_the_address(
    tmp_path: Path, name: str, why: FetchCause | None
) -> None:
    pem = certificate(tmp_path, "true.org")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    asked: list[str | None] = []
    serving.sni_callback = lambda _socket, asked_name, _context: asked.append(asked_name)
    async with opened(tls=serving) as web:
        web[f"{name}/"] = reply("hello")
        fetcher = replace(web.fetcher(), trust=lambda: ssl.create_default_context(cafile=pem))
        if why is None:
            assert (await fetcher.fetch(f"https://{name}:{web.port}/")).body == b"hello"
        else:
            with pytest.raises(NotFetched) as exc:
                await fetcher.fetch(f"https://{name}:{web.port}/")
            assert exc.value.why is why
            assert web.heads == []
        assert asked == [name]


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate(tmp_path, "true.org"))
    async with opened(tls=serving) as web:
        with pytest.raises(NotFetched) as exc:
            await web.fetcher().fetch(f"https://true.org:{web.port}/")
        assert exc.value.why is FetchCause.CERTIFICATE
