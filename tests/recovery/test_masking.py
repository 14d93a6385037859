"""How much of an address is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.masking import mask_email


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("maria@gmail.com", "ma***@gmail.com"),
        ("user@example.com", "us***@example.com"),
        ("bob@x.org", "bo***@x.org"),
        ("jo@x.org", "j***@x.org"),
        ("j@x.org", "j***@x.org"),
        ("@x.org", "***@x.org"),
        ('"odd@one"@x.org', '"o***@x.org'),
        ("\u00e9l\u00e9a@x.org", "\u00e9l***@x.org"),
        ("no address", "***"),
        ("", ""),
    ],
)
def test_an_address_shows_its_first_characters_and_its_domain(email: str, masked: str) -> None:
    assert mask_email(email) == masked


@given(local=st.text(min_size=1), domain=st.text().filter(lambda text: "@" not in text))
def test_no_more_than_two_characters_are_ever_shown(local: str, domain: str) -> None:
    masked = mask_email(f"{local}@{domain}")

    shown, _, rest = masked.rpartition("***@")
    assert rest == domain
    assert local.startswith(shown)
    assert len(shown) == (2 if len(local) > 2 else 1)
