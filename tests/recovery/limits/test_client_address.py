"""Whose request it is: case by case, and by whoever tries to be somebody else."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.limits.client_address import UNKNOWN, client_address

PEER = "192.0.2.1"
REAL = "198.51.100.7"


def seen(forwarded: str | None, *, proxies: int, peer: str | None = PEER) -> str:
    meta = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    return client_address(meta, trusted_proxies=proxies)


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("::ffff:192.0.2.2", "192.0.2.2"),
        ("", UNKNOWN), (None, UNKNOWN), ("/run/web.sock", UNKNOWN), ("localhost", UNKNOWN),
    ],
)  # fmt: skip
def test_without_proxies_it_is_the_peer(peer: str | None, expected: str) -> None:
    assert seen(None, proxies=0, peer=peer) == expected
    assert seen(REAL, proxies=0, peer=peer) == expected


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        # one proxy: the last entry is what it appended
        (REAL, 1, REAL), (f"203.0.113.9, {REAL}", 1, REAL), (f"203.0.113.9,{REAL} ", 1, REAL),
        (f"junk,, ,{REAL}", 1, REAL), (f",{REAL}", 1, REAL),
        # two: what the outer one appended, before the inner one appended the outer
        (f"{REAL}, 10.0.0.2", 2, REAL), (f"203.0.113.9, {REAL}, 10.0.0.2", 2, REAL),
        # IPv6, ports, brackets
        ("2001:db8:1:2:3::4", 1, "2001:db8:1:2::/64"), ("::ffff:198.51.100.7", 1, REAL),
        ("198.51.100.7:4711", 1, REAL), ("[2001:db8:1:2::9]:443", 1, "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", 1, "2001:db8:1:2::/64"),
        # missing, too few, junk: the peer
        (None, 1, PEER), ("", 1, PEER), (REAL, 2, PEER), (f"203.0.113.9, {REAL}", 3, PEER),
        ("unknown", 1, PEER), ("_hidden", 1, PEER), ("[::1", 1, PEER), ("[]:80", 1, PEER),
        (":80", 1, PEER), (f"{REAL},", 1, PEER), (f"{REAL}, ,", 1, PEER),
        ("999.1.1.1", 1, PEER), ("198.51.100.07", 1, PEER), ("198.51.100.7/24", 1, PEER),
        ("1.2.3.4:a", 1, PEER), ("١٩٢.0.2.1", 1, PEER), ("0x7f000001", 1, PEER),
    ],
)  # fmt: skip
def test_behind_proxies_it_is_what_the_outermost_one_appended(
    forwarded: str | None, proxies: int, expected: str
) -> None:
    assert seen(forwarded, proxies=proxies) == expected


@given(claimed=st.text(st.characters(codec="latin-1"), max_size=80), proxies=st.integers(1, 3))
def test_nothing_that_a_client_claims_makes_it_another(claimed: str, proxies: int) -> None:
    """Each proxy appends whom it heard from, after whatever was there."""
    appended = [REAL, "10.0.0.2", "10.0.0.3"][:proxies]

    assert seen(", ".join([claimed, *appended]), proxies=proxies) == REAL


@given(address=st.ip_addresses(v=6), neighbor=st.integers(0, 2**64 - 1))
def test_a_network_of_64_bits_is_one_client(address: ipaddress.IPv6Address, neighbor: int) -> None:
    other = ipaddress.IPv6Address(int(address) >> 64 << 64 | neighbor)
    if not (address.ipv4_mapped or other.ipv4_mapped):
        assert seen(None, proxies=0, peer=str(other)) == seen(None, proxies=0, peer=str(address))


def test_a_header_of_any_length_is_read_from_its_end() -> None:
    assert seen("203.0.113.9," * 10_000 + REAL, proxies=1) == REAL
