"""Where a merchant's webhook may lead, address by address and URL by URL."""

import ipaddress

import pytest

from recovery.addresses import (
    Endpoint,
    RefusedAddressError,
    RefusedUrlError,
    check_addresses,
    is_public,
    read_url,
)

PUBLIC = (
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "168.63.129.15", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "2001:200::1",
)  # fmt: skip
NOT_PUBLIC = (
    "0.0.0.0", "0.255.255.255", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:808:808",
    "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1",
    "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1", "5f00::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_connected_to(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    check_addresses([address], allows_loopback=False)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_only_our_machines_could_reach_may_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(RefusedAddressError, match="public internet") as refused:
        check_addresses([address], allows_loopback=False)
    assert address not in str(refused.value)


@pytest.mark.parametrize("found", [["8.8.8.8", "10.0.0.1"], ["::1", "8.8.8.8"], ["nothing"]])
def test_one_bad_address_is_enough_to_refuse_a_name(found: list[str]) -> None:
    with pytest.raises(RefusedAddressError):
        check_addresses(found, allows_loopback=False)


def test_for_trying_out_this_machine_is_allowed_and_nothing_else() -> None:
    check_addresses(["127.0.0.1", "::1"], allows_loopback=True)

    for address in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"):
        with pytest.raises(RefusedAddressError):
            check_addresses([address], allows_loopback=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://hooks.example.com",
            Endpoint(True, "hooks.example.com", 443, "hooks.example.com", "/"),
        ),
        (
            "https://Hooks.Example.COM:8443/a/b?c=d&e",
            Endpoint(True, "hooks.example.com", 8443, "hooks.example.com:8443", "/a/b?c=d&e"),
        ),
        (
            "https://example.com:443/%20",
            Endpoint(True, "example.com", 443, "example.com:443", "/%20"),
        ),
        ("https://8.8.8.8/x", Endpoint(True, "8.8.8.8", 443, "8.8.8.8", "/x")),
        (
            "https://[2606:4700:4700::1111]:1024/",
            Endpoint(True, "2606:4700:4700::1111", 1024, "[2606:4700:4700::1111]:1024", "/"),
        ),
        (
            "https://xn--bcher-kva.example/",
            Endpoint(True, "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/"),
        ),
    ],
)
def test_a_public_https_url_is_taken(url: str, expected: Endpoint) -> None:
    assert read_url(url, allows_loopback=False) == expected


REFUSED = {
    "": "ASCII",
    "hooks.example.com": "https://",
    "http://hooks.example.com/": "https://",
    "ftp://hooks.example.com/": "https://",
    "file:///etc/passwd": "https://",
    "https:///path": "public host",
    "https://": "public host",
    "https://user:pw@example.com/": "no user",
    "https://example.com@10.0.0.1/": "no user",
    "https://@example.com/": "no user",
    "https://example.com/#part": "fragment",
    "https://example.com/a b": "ASCII",
    "https://example.com/\r\nX-Evil:1": "ASCII",
    "https://example.com\\@10.0.0.1/": "ASCII",
    "https://bücher.example/": "ASCII",
    "https://example.com:22/": "port",
    "https://example.com:25/": "port",
    "https://example.com:80/": "port",
    "https://example.com:0/": "port",
    "https://example.com:65536/": "no URL",
    "https://example.com:x/": "no URL",
    "https://[::1": "no URL",
    "https://localhost/": "public host",
    "https://intranet/": "public host",
    "https://example.com./": "public host",
    "https://-a.example.com/": "public host",
    "https://a..example.com/": "public host",
    "https://127.1/": "public host",
    "https://2130706433/": "public host",
    "https://0x7f.0x1/": "public host",
    "https://0177.0.0.1/": "public host",
    "https://127.0.0.1/": "public internet",
    "https://169.254.169.254/latest/meta-data/": "public internet",
    "https://[::1]/": "public internet",
    "https://[::ffff:8.8.8.8]/": "public internet",
    "https://[::ffff:a9fe:a9fe]/": "public internet",
    "https://[::ffff:127.0.0.1]/": "public internet",
    "https://[64:ff9b::a9fe:a9fe]/": "public internet",
    "https://[fd00:ec2::254]/": "public internet",
    "https://100.100.100.200/": "public internet",
    "https://0x7f000001/": "public host",
    "https://017700000001/": "public host",
    "https://2852039166/": "public host",
    "https://0xa9fea9fe/": "public host",
    "https://169.254.43518/": "public host",
    "https://①②⑦.0.0.1/": "ASCII",
    "https://127。0。0。1/": "ASCII",
    "https://127.0.0.1%00.example.com/": "public host",
    f"https://example.com/{'x' * 2000}": "longer",
}


@pytest.mark.parametrize(("url", "why"), REFUSED.items(), ids=range(len(REFUSED)))
def test_any_other_url_is_refused_in_a_sentence(url: str, why: str) -> None:
    with pytest.raises(RefusedUrlError, match=why) as refused:
        read_url(url, allows_loopback=False)

    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_for_trying_out_this_machine_is_written_to_without_tls_on_any_port(host: str) -> None:
    assert read_url(f"http://{host}:81/x", allows_loopback=True).port == 81
    assert read_url(f"http://{host}/x", allows_loopback=True).port == 80
    assert read_url(f"https://{host}/x", allows_loopback=True).is_secure


@pytest.mark.parametrize("url", ["http://example.com/", "http://10.0.0.1/", "ftp://localhost/"])
def test_for_trying_out_nothing_else_is_allowed(url: str) -> None:
    with pytest.raises(RefusedUrlError, match="https://"):
        read_url(url, allows_loopback=True)
