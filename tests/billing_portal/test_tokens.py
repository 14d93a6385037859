"""A token opens what it was made for, for as long as it was made for, and nothing else does."""

import base64
import hashlib
import hmac
import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.models import PaymentUpdateLink
from billing_portal.tokens import (
    ExpiredTokenError,
    ForgedTokenError,
    Purpose,
    digest,
    issue,
    read,
)

SECRET = "the secret of this installation"
NOW = datetime(2026, 11, 3, 12, 0, 0, 250_000, tzinfo=UTC)
WEEK = timedelta(days=7)
KEY = hmac.new(SECRET.encode(), b"recover payment update link: update", hashlib.sha256).digest()
CLAIMS: dict[str, Any] = {"jti": "1", "exp": 1_800_000_000}
IDS = {Purpose.UPDATE: "pul_1", Purpose.RETURN: "pul_1", Purpose.UNSUBSCRIBE: "msg_1"}
MOST = 121  # characters: 20 of header, 56 of claims, 43 of signature, two dots


def made(purpose: Purpose = Purpose.UPDATE, secret: str = SECRET) -> str:
    return issue(link_id=IDS[purpose], purpose=purpose, secret=secret, now=NOW, lifetime=WEEK)


def opened(token: str, *, purpose: Purpose = Purpose.UPDATE, now: datetime = NOW) -> str:
    return read(token, purpose=purpose, secret=SECRET, now=now)


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(payload: bytes, *, header: dict[str, Any] | None = None, key: bytes = KEY) -> str:
    """A token with a valid HMAC-SHA256 signature, whatever it says."""
    content = f"{part(json.dumps(header or {'alg': 'HS256'}).encode())}.{part(payload)}"
    return f"{content}.{part(hmac.new(key, content.encode(), hashlib.sha256).digest())}"


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_tells_which_link_it_is_for(purpose: Purpose) -> None:
    assert opened(made(purpose), purpose=purpose) == IDS[purpose]


def test_a_token_says_nothing_but_its_link_and_its_end() -> None:
    token = made()

    assert jwt.get_unverified_header(token) == {"alg": "HS256"}
    assert jwt.decode(token, options={"verify_signature": False}) == {
        "jti": "1", "exp": int(NOW.timestamp()) + 7 * 86_400,
    }  # fmt: skip


def test_the_token_of_a_link_is_as_short_as_a_jwt_can_be() -> None:
    link_id = PaymentUpdateLink().public_id
    token = issue(link_id=link_id, purpose=Purpose.UPDATE, secret=SECRET, now=NOW, lifetime=WEEK)

    assert len(token) == MOST
    assert re.fullmatch(r"[\w-]{20}\.[\w-]{56}\.[\w-]{43}", token)
    assert opened(token) == link_id


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        (timedelta(0), True),
        (WEEK - timedelta(seconds=1), True),
        (WEEK - timedelta(microseconds=250_001), True),
        (WEEK - timedelta(microseconds=250_000), False),
        (WEEK, False),
        (timedelta(days=3650), False),
    ],
)
def test_a_token_ends_with_the_second_that_it_names(after: timedelta, is_open: bool) -> None:
    if is_open:
        assert opened(made(), now=NOW + after) == "pul_1"
        return
    with pytest.raises(ExpiredTokenError) as ended:
        opened(made(), now=NOW + after)
    assert ended.value.link_id == "pul_1"


@pytest.mark.parametrize(("made_for", "shown_for"), list(itertools.permutations(Purpose, 2)))
def test_a_token_is_good_for_its_purpose_only(made_for: Purpose, shown_for: Purpose) -> None:
    with pytest.raises(ForgedTokenError):
        opened(made(made_for), purpose=shown_for)


@pytest.mark.parametrize("secret", ["another secret", "", SECRET + " ", SECRET.upper()])
def test_a_token_of_another_secret_is_forged(secret: str) -> None:
    with pytest.raises(ForgedTokenError):
        opened(made(secret=secret))


def test_what_is_signed_elsewhere_with_the_same_secret_is_no_link() -> None:
    with pytest.raises(ForgedTokenError):
        opened(signed(json.dumps(CLAIMS).encode(), key=SECRET.encode()))


def test_an_old_token_of_another_secret_is_forged_and_not_expired() -> None:
    with pytest.raises(ForgedTokenError):
        opened(made(secret="another secret"), now=NOW + timedelta(days=3650))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS384", "RS256", "ES256", 7])
@pytest.mark.parametrize("is_signed", [True, False])
def test_no_other_algorithm_is_believed(algorithm: object, is_signed: bool) -> None:
    token = signed(json.dumps(CLAIMS).encode(), header={"alg": algorithm, "typ": "JWT"})
    if not is_signed:
        token = token[: token.rindex(".") + 1]

    with pytest.raises(ForgedTokenError):
        opened(token)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256", "crit": ["x"], "x": 1},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "HS256", "kid": 7},
        {"typ": "JWT"},
    ],
)
def test_a_header_that_asks_for_more_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(ForgedTokenError):
        opened(signed(json.dumps(CLAIMS).encode(), header=header))


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


@pytest.mark.parametrize(
    "claims",
    [
        {}, without("jti"), without("exp"),
        CLAIMS | {"jti": None}, CLAIMS | {"jti": 7}, CLAIMS | {"jti": ["1"]},
        CLAIMS | {"aud": "update"},
        CLAIMS | {"exp": None}, CLAIMS | {"exp": "soon"}, CLAIMS | {"exp": []},
        CLAIMS | {"exp": float("nan")}, CLAIMS | {"exp": float("inf")},
        [], "update", None,
    ],
)  # fmt: skip
def test_claims_that_are_missing_or_no_claims_are_refused(claims: object) -> None:
    with pytest.raises(ForgedTokenError):
        opened(signed(json.dumps(claims).encode()))


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"\x00", b'{"jti":' * 10_000])
def test_a_payload_that_is_no_json_is_refused(payload: bytes) -> None:
    with pytest.raises(ForgedTokenError):
        opened(signed(payload))


@pytest.mark.parametrize("end", range(len(made())))
def test_a_token_cut_short_anywhere_is_refused(end: int) -> None:
    with pytest.raises(ForgedTokenError):
        opened(made()[:end])


@pytest.mark.parametrize("place", range(len(made()) - 1))
def test_a_token_changed_anywhere_is_refused(place: int) -> None:
    """The last letter has bits to spare: a link knows its token by the digest of the whole."""
    token = made()
    other = "A" if token[place] != "A" else "B"

    with pytest.raises(ForgedTokenError):
        opened(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        "", ".", "..", "...", "a.b.c", "\x00", "é", "💳" * 50, "\ud800", " ", "null",
        "a" * 1_000_000, "." * 100_000, "=" * 5_000,
        made() + "\x00", made() + ".", made().replace(".", ".\n"), f"Bearer {made()}",
    ],
    ids=lambda token: f"{len(token)} of {token[:8]!a}",
)  # fmt: skip
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ForgedTokenError):
        opened(token)


@given(token=st.text())
def test_nothing_else_is_ever_raised(token: str) -> None:
    with pytest.raises(ForgedTokenError):
        opened(token)


def test_a_digest_is_the_same_for_the_same_token_alone() -> None:
    assert digest("a.b.c") == hashlib.sha256(b"a.b.c").hexdigest()
    assert digest(made()) != digest(made() + "=")
