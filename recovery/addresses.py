"""Where a merchant's webhook may lead: to the public internet and nowhere else.

What a merchant writes here, our own machines connect to. So a URL may name no other port or user,
and the name in it may lead to no address that only our machines can reach.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

LONGEST_URL = 2000
PORTS = {"https": 443, "http": 80}
FIRST_FREE_PORT = 1024  # below it live other protocols' servers
WRITTEN = re.compile(r"[!-\[\]-~]+")  # printable ASCII without a space or a backslash
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label is no number: 127.1 and 0x7f.1 are addresses to some resolvers.
NAME = re.compile(rf"(?=.{{1,253}}$)({LABEL}\.)+(?!0x)[a-z][a-z0-9-]*[a-z0-9]")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry and what clouds put elsewhere
NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, as its machines see it
        "169.254.0.0/16",  # link-local; metadata of AWS, Azure and Google
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# https://www.iana.org/assignments/ipv6-address-space: only this block is given out. Outside it
# lie loopback, link-local, unique local (AWS's metadata), multicast, IPv4-mapped (::ffff:0:0/96)
# and NAT64 (64:ff9b::/96).
GIVEN_OUT_V6 = ipaddress.IPv6Network("2000::/3")
# https://www.iana.org/assignments/iana-ipv6-special-registry
NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo and others that wrap another address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: wraps an IPv4 address
        "3fff::/20",  # documentation
    )
)


class RefusedUrlError(ValueError):
    """No webhook goes to this URL; the text says why and what to write."""


class RefusedAddressError(Exception):
    """The host's name leads to where no webhook may go."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked URL: `authority` is what the Host header says, `target` path and query."""

    is_secure: bool
    host: str
    port: int
    authority: str
    target: str


def read_url(url: str, *, allows_loopback: bool) -> Endpoint:
    """Raises RefusedUrlError. `allows_loopback`: this machine too, also without TLS."""
    parts = _split(url)
    host = parts.hostname or ""
    is_here = allows_loopback and _is_here(host)
    if parts.scheme != "https" and not (is_here and parts.scheme == "http"):
        raise RefusedUrlError("The URL must begin with https://.")
    if "@" in parts.netloc:
        raise RefusedUrlError("The URL may name no user or password; check the signature instead.")
    if parts.fragment:
        raise RefusedUrlError("The URL may have no fragment (#…): it is never sent.")
    if not is_here:
        _check_host(host)
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    if not is_here and port != PORTS["https"] and port < FIRST_FREE_PORT:
        raise RefusedUrlError(f"The port must be 443 or at least {FIRST_FREE_PORT}.")
    return Endpoint(
        is_secure=parts.scheme == "https",
        host=host,
        port=port,
        authority=parts.netloc.lower(),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise RefusedUrlError(f"The URL is longer than {LONGEST_URL} characters.")
    if not WRITTEN.fullmatch(url):
        raise RefusedUrlError("Write the URL in ASCII, without spaces and backslashes.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RefusedUrlError("This is no URL: write it as https://host/path.") from None
    return parts


def _check_host(host: str) -> None:
    address = _address(host)
    if address is not None and not is_public(address):
        raise RefusedUrlError("The URL must lead to the public internet.")
    if address is None and not NAME.fullmatch(host):
        raise RefusedUrlError("The URL must name a public host, as https://hooks.example.com/.")


def _is_here(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could connect to it as well as we can."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    return address in GIVEN_OUT_V6 and not any(address in network for network in NOT_PUBLIC_V6)


def check_addresses(found: Iterable[str], *, allows_loopback: bool) -> None:
    """Every address that a name leads to. Raises RefusedAddressError, which doesn't tell the
    address: what our resolver knows is no merchant's business."""
    for text in found:
        address = _address(text)
        is_here = address is not None and address.is_loopback and allows_loopback
        if address is None or not (is_here or is_public(address)):
            raise RefusedAddressError("The host name doesn't lead to the public internet.")
