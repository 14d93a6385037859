"""How much of an address is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.masking import mask_email, mask_within


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


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("“Your card” was sent to maria@gmail.com.", "“Your card” was sent to ma***@gmail.com."),
        ("Jo <jo@x.org>, kim.lee@x.org;", "Jo <j***@x.org>, ki***@x.org;"),
        ("was sent to j***@x.org.", "was sent to j***@x.org."),
        ("no address @ all", "no address @ all"),
        ("data/stripe.json@897c61f. Or a@6c6e373 b", "data/stripe.json@897c61f. Or a@6c6e373 b"),
        ("ann@localhost, ann@6c6e373.org", "an***@localhost, an***@6c6e373.org"),
        ({"to": ["ann@x.org", ("bob@x.org",)]}, {"to": ["an***@x.org", ["bo***@x.org"]]}),
        (None, None),
        (4900, 4900),
        (True, True),
    ],
)  # fmt: skip
def test_addresses_are_masked_wherever_json_holds_one(value: object, masked: object) -> None:
    assert mask_within(value) == masked
    assert mask_within(masked) == masked
