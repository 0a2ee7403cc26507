"""Tell a real SHA-256 digest from a placeholder."""

import re

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def is_real_sha256(digest: str) -> bool:
    """Whether *digest* is `sha256:` and 64 digits that a hash could give.

    Placeholders such as zeros, 0123… or deadbeef… are refused: fewer than 9 kinds of digits, or the same 16 twice,
    happen to one hash in more than a billion. The hash of nothing at all is refused too.
    """
    match = _SHA256.fullmatch(digest)
    if match is None:
        return False
    digits = match[1]
    quarters = {digits[start : start + 16] for start in range(0, 64, 16)}
    return digits != _OF_NOTHING and len(set(digits)) >= 9 and len(quarters) == 4
