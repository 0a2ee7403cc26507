"""One TLS context for all clients of a process: reading the certificate authorities takes 25 ms of CPU each time."""

import ssl
from functools import cache

import httpx


@cache
def context() -> ssl.SSLContext:
    """The context that httpx would make: its own authorities, or those of `SSL_CERT_FILE` or `SSL_CERT_DIR`."""
    return httpx.create_ssl_context()
