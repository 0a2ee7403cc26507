"""A body that may be compressed, unpacked piece by piece: a bomb is stopped while it grows, not once it has grown."""

import zlib

from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched

ASKED_FOR = "gzip, deflate"
"""Not br and not zstd: their decoders cannot be told before each piece how much they may give. A server that sends them is refused."""
_PIECE_BYTES = 65536
_MEMBERS_MAX = 64
"""Of one gzip body. Each costs time, and may hold nothing."""


class Unpacked:
    """The unpacked body so far, never of more than *max_bytes*; nor may what came over the wire be more."""

    def __init__(self, content_encoding: str, *, max_bytes: int) -> None:
        self._encoding = content_encoding.strip().lower() or "identity"
        if self._encoding not in ("identity", "gzip", "x-gzip", "deflate"):
            raise NotFetched(FetchCause.ENCODING)
        self._left = self._wire_left = max_bytes
        self._pieces: list[bytes] = []
        self._inflater: zlib._Decompress | None = None
        self._ended = False
        self._members = 0

    def feed(self, data: bytes) -> None:
        """Take a piece of the body. Raises NotFetched if it is too much, or damaged."""
        self._wire_left -= len(data)
        if self._wire_left < 0:
            raise NotFetched(FetchCause.SIZE)
        if self._encoding == "identity":
            self._keep(data)
            return
        try:
            self._inflate(data)
        except zlib.error:
            raise NotFetched(FetchCause.BROKEN) from None

    def done(self) -> bytes:
        """The whole body. Raises NotFetched if its end is missing."""
        if self._inflater is not None and not self._ended:
            raise NotFetched(FetchCause.BROKEN)
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise NotFetched(FetchCause.SIZE)
        self._pieces.append(piece)

    def _inflate(self, data: bytes) -> None:
        while data:
            if self._inflater is None or self._ended:
                if self._ended and (self._encoding == "deflate" or not data.startswith(b"\x1f\x8b")):
                    return  # what follows the last member is padding
                self._members += 1
                if self._members > _MEMBERS_MAX:
                    raise NotFetched(FetchCause.SIZE)
                self._inflater, self._ended = zlib.decompressobj(self._window_bits(data)), False
            self._keep(self._inflater.decompress(data, _PIECE_BYTES))
            if self._inflater.eof:
                self._ended, data = True, self._inflater.unused_data
            else:
                data = self._inflater.unconsumed_tail

    def _window_bits(self, begin: bytes) -> int:
        if self._encoding != "deflate":
            return 31
        # Some servers send deflate without zlib's two bytes, as its name says.
        wrapped = begin[0] & 0x0F == 8 and (len(begin) < 2 or (begin[0] * 256 + begin[1]) % 31 == 0)
        return 15 if wrapped else -15
