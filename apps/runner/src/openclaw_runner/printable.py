"""Text of strangers, without what moves a cursor or ends a string early."""


def printable(text: str) -> str:
    """*text* with line ends as one sign and without control characters; lone surrogates become question marks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return "".join(sign for sign in lines if sign in "\n\t" or sign.isprintable() or sign > "\x9f")
