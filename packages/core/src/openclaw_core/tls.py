"""One TLS context for all clients of a process: each one that reads the certificate authorities anew takes 25 ms of CPU."""

import ssl
from functools import cache

import httpx


@cache
def context() -> ssl.SSLContext:
    """What httpx would make for each client: its authorities, or those that `SSL_CERT_FILE` or `SSL_CERT_DIR` names."""
    return httpx.create_ssl_context()
