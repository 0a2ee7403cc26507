"""Why an address was not fetched: a closed list, each cause with the sentence that the model reads."""

from openclaw_agent.tools.causes import NothingToGive, ToolCause


class FetchCause(ToolCause):
    NOT_AN_ADDRESS = (
        "not_an_address",
        "This is not a web address that can be opened. Give a whole one, beginning with https://.",
    )
    SCHEME = "scheme", "Only http and https addresses can be opened."
    PORT = "port", "Only the usual web ports 80 and 443 can be opened."
    LOGIN = "login", "An address with a user name or a password in it cannot be opened."
    HOST_FORM = "host_form", "The host of this address is written in a way that is not accepted."
    NOT_PUBLIC = "not_public", "This address does not lead to a public web server, so it cannot be opened."
    NO_SUCH_HOST = "no_such_host", "There is no server of that name."
    NO_CONNECTION = "no_connection", "The server could not be reached."
    CERTIFICATE = (
        "certificate",
        "The server could not prove that it is the one named in the address (its certificate is wrong).",
    )
    REDIRECTS = "redirects", "The page led on to other addresses too many times."
    TIME = "time", "The server was too slow."
    SIZE = "size", "The page is too large to be opened."
    ENCODING = "encoding", "The server sent the page packed in a way that was not asked for."
    KIND = "kind", "This is not a kind of page or document that can be read."
    NOT_THAT_KIND = "not_that_kind", "The server sent something else than it said."
    EMPTY = "empty", "The page is empty."
    BROKEN = "broken", "The server's answer broke off or was damaged."
    GONE = "gone", "The server says that there is no such page."
    FORBIDDEN = "forbidden", "The server does not let this page be read without a login, or not by programs."
    BUSY = "busy", "The server takes no more requests just now."
    SERVER = "server", "The server answered with a fault of its own."


class NotFetched(NothingToGive):
    """There is no content to be had."""

    why: FetchCause
