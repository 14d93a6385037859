"""The connections to Stripe: one pool for all merchants and threads.

The SDK's own ways keep connections for each thread, so that who asks with several at the same time
shakes hands with Stripe anew each time, and `requests` reads the whole environment for every
question. urllib3, on which it stands, does neither.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
from urllib3 import PoolManager, ProxyManager, Timeout, make_headers
from urllib3.exceptions import HTTPError, SSLError
from urllib3.util import parse_url

MARKS = (b'"object"', b'"stripe_user_id"')
KEPT = 16  # connections that wait for the next question


class Connections(stripe.HTTPClient):
    """`timeout`: seconds to connect and to be answered. The SDK falls over an answer that isn't
    Stripe's, a captive portal's page for instance: it counts as none."""

    name = "urllib3"

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__()
        self._timeout = timeout

    def request(  # type: ignore[override]  # bytes, as the SDK's own clients answer
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        connect, read = self._timeout
        try:
            answer = _pool(*urlsplit(url)[:2]).request(
                method.upper(), url, headers=headers, retries=False, redirect=False,
                body=post_data.encode() if isinstance(post_data, str) else post_data,
                timeout=Timeout(connect=connect, read=read),
            )  # fmt: skip
        except HTTPError as error:
            raise _unanswered(
                type(error).__name__, again=not isinstance(error, SSLError)
            ) from error
        if not _is_stripes(answer.data, answer.status):
            raise _unanswered("not Stripe's answer")
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        _pool.cache_clear()


@lru_cache
def _pool(scheme: str, host: str) -> PoolManager:
    """As the environment says, HTTPS_PROXY or ALL_PROXY and NO_PROXY, when it is first asked
    for."""
    options: Any = {
        "maxsize": KEPT,
        "cert_reqs": "CERT_REQUIRED",
        "ca_certs": stripe.ca_bundle_path,
    }
    proxies = {} if proxy_bypass(host) else getproxies()
    proxy = proxies.get(scheme) or proxies.get("all", "")
    if not proxy:
        return PoolManager(**options)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    auth = parse_url(proxy).auth_decoded_joined
    return ProxyManager(proxy, proxy_headers=make_headers(proxy_basic_auth=auth), **options)


def _unanswered(why: str, *, again: bool = False) -> stripe.APIConnectionError:
    message = f"Stripe can't be reached ({why})."
    return stripe.APIConnectionError(message, should_retry=again)  # type: ignore[no-untyped-call]


def _is_stripes(body: bytes, status: int) -> bool:
    """Every object of Stripe's says in `object` what it is; errors have a shape of their own, and
    so has what is told of an account that is linked."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    is_marked = any(mark in body for mark in MARKS)
    return body.lstrip().startswith(b"{") and (status >= 400 or is_marked)
