"""Why an address was not fetched: a closed list, each with the sentence that the model reads. None repeats what a server said."""

from enum import StrEnum


class Why(StrEnum):
    NOT_AN_ADDRESS = "not_an_address"
    SCHEME = "scheme"
    PORT = "port"
    LOGIN = "login"
    HOST_FORM = "host_form"
    NOT_PUBLIC = "not_public"
    NO_SUCH_HOST = "no_such_host"
    NO_CONNECTION = "no_connection"
    CERTIFICATE = "certificate"
    REDIRECTS = "redirects"
    TIME = "time"
    SIZE = "size"
    ENCODING = "encoding"
    KIND = "kind"
    NOT_THAT_KIND = "not_that_kind"
    EMPTY = "empty"
    BROKEN = "broken"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    BUSY = "busy"
    SERVER = "server"


SENTENCES: dict[Why, str] = {
    Why.NOT_AN_ADDRESS: "This is not a web address that can be opened. Give a whole one, beginning with https://.",
    Why.SCHEME: "Only http and https addresses can be opened.",
    Why.PORT: "Only the usual web ports 80 and 443 can be opened.",
    Why.LOGIN: "An address with a user name or a password in it cannot be opened.",
    Why.HOST_FORM: "The host of this address is written in a way that is not accepted.",
    Why.NOT_PUBLIC: "This address does not lead to a public web server, so it cannot be opened.",
    Why.NO_SUCH_HOST: "There is no server of that name.",
    Why.NO_CONNECTION: "The server could not be reached.",
    Why.CERTIFICATE: "The server could not prove that it is the one named in the address (its certificate is wrong).",
    Why.REDIRECTS: "The page led on to other addresses too many times.",
    Why.TIME: "The server was too slow.",
    Why.SIZE: "The page is too large to be opened.",
    Why.ENCODING: "The server sent the page packed in a way that was not asked for.",
    Why.KIND: "This is not a kind of page or document that can be read.",
    Why.NOT_THAT_KIND: "The server sent something else than it said.",
    Why.EMPTY: "The page is empty.",
    Why.BROKEN: "The server's answer broke off or was damaged.",
    Why.GONE: "The server says that there is no such page.",
    Why.FORBIDDEN: "The server does not let this page be read without a login, or not by programs.",
    Why.BUSY: "The server takes no more requests just now.",
    Why.SERVER: "The server answered with a fault of its own.",
}


class NotFetched(Exception):
    """There is no content to be had; *why* says what the model may be told."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why

    @property
    def sentence(self) -> str:
        return SENTENCES[self.why]
