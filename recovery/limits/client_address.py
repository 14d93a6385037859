"""Whose request it is, by address: the peer's word is its own, a header's is anybody's."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"  # a peer on a socket that has no address
# One household or server has a /64 of IPv6 to itself (RFC 6177), so that is one client.
HOST_BITS = 64
# Some proxies write the client's port as well: 192.0.2.1:4711, [2001:db8::1]:4711
WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d*)?|([^:]*):\d*")


def client_address(meta: Mapping[str, Any], *, trusted_proxies: int) -> str:
    """`meta` is WSGI's. "192.0.2.1", or "2001:db8:1:2::/64" for all who share that network.

    Each trusted proxy appends whom it heard from to `X-Forwarded-For`, so with n of them the nth
    entry from the right is the client's, and what stands further left is only its say-so. An
    entry that is missing or is no address leaves the peer.
    """
    peer = _client(str(meta.get("REMOTE_ADDR") or "")) or UNKNOWN
    if not trusted_proxies:
        return peer
    entries = str(meta.get("HTTP_X_FORWARDED_FOR") or "").rsplit(",", trusted_proxies)
    if len(entries) < trusted_proxies:
        return peer
    return _client(entries[-trusted_proxies]) or peer


def _client(written: str) -> str:
    """ "" for what is no address."""
    text = written.strip()
    if found := WITH_PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:  # an IPv4 client of a server that listens on both
        return str(address.ipv4_mapped)
    network = int(address) >> HOST_BITS << HOST_BITS
    return f"{ipaddress.IPv6Address(network)}/{HOST_BITS}"
