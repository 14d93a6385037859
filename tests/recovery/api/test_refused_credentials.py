"""A table of what opens nothing: not at the Bearer's doors, nor the internal ones, nor both's."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import product

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing_portal.links import UPDATE_PATH
from billing_portal.tokens import Purpose
from dunning.mail.unsubscribing import PATH as UNSUBSCRIBE_PATH
from recovery import credentials
from recovery.derived_keys import derive
from recovery.models import ApiKey, FailedLogins, InternalKey, Merchant, TokenFamily
from recovery.scopes import ONLY_READING
from tests.builders import make_merchant
from tests.recovery.api.doors import BEARER, DOORS
from tests.recovery.api.forgery import (
    HS256,
    api_key,
    claims,
    link_token,
    our_key,
    part,
    resigned,
    revoked,
    token,
)
from tests.recovery.credentials.cast import EMAIL, PASSWORD, member, pair, refresh

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Make = Callable[[Merchant], str]


@pytest.fixture(autouse=True)
def _doors(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.recovery.api.doors"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def from_now(delta: timedelta) -> int:
    return int((timezone.now() + delta).timestamp())


def internal_key(merchant: Merchant) -> str:
    return credentials.new_internal_key(merchant=merchant, now=timezone.now())


def tokens_of_a_user(merchant: Merchant) -> dict[str, str]:
    member(merchant)
    return pair()


def unsigned(merchant: Merchant, alg: str = "none") -> str:
    header, payload, _signature = token(claims(merchant), header={"alg": alg}).split(".")
    return f"{header}.{payload}."


def signed_with(key: bytes) -> Make:
    return lambda merchant: token(claims(merchant), key=key)


def saying(**others: object) -> Make:
    return lambda merchant: token(claims(merchant, **others))


def under(header: dict[str, object] | bytes, digest: str = "sha256") -> Make:
    return lambda merchant: token(claims(merchant), header=header, digest=digest)


def of_another(merchant: Merchant) -> str:
    """A key of ours that names the other merchant's."""
    theirs = make_merchant("Other")
    return token(claims(merchant, kid=ApiKey.objects.of(theirs).get().key_id))


def ended_by_its_row(merchant: Merchant) -> str:
    key = api_key(merchant)
    ApiKey.objects.update(expires_at=timezone.now())
    return key


TOKENS: Mapping[str, Make] = {
    # the algorithm
    "alg none": unsigned,
    "alg None": lambda merchant: unsigned(merchant, "None"),
    "alg none with a signature": under({"alg": "none"}),
    "alg missing": under({"typ": "JWT"}),
    "alg null": under({"alg": None}),
    "alg a list": under({"alg": ["HS256"]}),
    "RS256 with our HMAC": under({"alg": "RS256", "typ": "JWT"}),
    "HS512 with our key": under({"alg": "HS512"}, "sha512"),
    "a key of its own (jwk)": under({**HS256, "alg": "ES256", "jwk": {"kty": "oct", "k": ""}}),
    "a critical header": under({**HS256, "crit": ["b64"], "b64": False}),
    "a key id that is no text": under({**HS256, "kid": {}}),
    # the signature
    "signed with the empty key": signed_with(b"\x00"),
    "signed with SECRET_KEY": lambda merchant: token(
        claims(merchant), key=settings.SECRET_KEY.encode()
    ),
    "signed as an access token": lambda merchant: token(
        claims(merchant), key=our_key("recover-access")
    ),
    "signed as a link": lambda merchant: token(
        claims(merchant), key=derive(settings.SECRET_KEY, purpose="recover payment update link")
    ),
    "signed with the public id": lambda merchant: token(
        claims(merchant), key=merchant.public_id.encode()
    ),
    "no signature": lambda merchant: api_key(merchant).rpartition(".")[0] + ".",
    "another's signature": lambda merchant: (
        api_key(merchant).rpartition(".")[0] + "." + api_key(merchant).rpartition(".")[2]
    ),
    "wider scopes, the old signature": lambda merchant: resigned(
        api_key(merchant, scopes=ONLY_READING), scopes="read write"
    ),
    "another key id, the old signature": lambda merchant: resigned(
        api_key(merchant), kid=ApiKey.objects.of(make_merchant("Other")).get().key_id
    ),
    # the claims, under our own signature
    "another merchant's key id": of_another,
    "an unknown key id": saying(kid="key_unknown"),
    "no key id": saying(kid=None),
    "another audience": saying(aud="recover-access"),
    "no audience": saying(aud=None),
    "another kind": saying(token_type="access"),
    "no kind": saying(token_type=None),
    "no end": saying(exp=None),
    "no id": saying(jti=None),
    "an end that is no number": saying(exp="tomorrow"),
    "issued tomorrow": lambda merchant: token(claims(merchant, iat=from_now(DAY))),
    "not before tomorrow": lambda merchant: token(claims(merchant, nbf=from_now(DAY))),
    "ended": lambda merchant: token(claims(merchant, exp=from_now(-timedelta(seconds=10)))),
    "claims that are no object": lambda _merchant: token(b"[]"),
    "claims that are no JSON": lambda _merchant: token(b"\xff"),
    # the row
    "revoked": revoked,
    "ended by its row": ended_by_its_row,
    # good for something else
    **{
        f"a link's token ({purpose})": lambda merchant, purpose=purpose: link_token(  # type: ignore[misc]
            merchant, purpose
        )
        for purpose in Purpose
    },
    "a refresh token": lambda merchant: tokens_of_a_user(merchant)["refresh"],
    "the digest of an internal key": lambda merchant: hashlib.sha256(
        internal_key(merchant).encode()
    ).hexdigest(),
    "a key's id": lambda merchant: ApiKey.objects.of(merchant).get().key_id,
    # no token at all
    "nothing": lambda _merchant: "",
    "a word": lambda _merchant: "x",
    "two dots": lambda _merchant: "..",
    "very long": lambda _merchant: f"{part(b'{}')}.{'a' * 100_000}.{'b' * 43}",
    "a deep header": under(b"[" * 700),
    "a header that is no object": under(b"5"),
    "bytes": lambda _merchant: "é\x80ÿ.é.é",
    "SQL": lambda _merchant: "' OR 1=1 --",
}


def rows() -> list[object]:
    return [
        list(model.objects.order_by("pk").values())
        for model in (ApiKey, InternalKey, TokenFamily, FailedLogins)
    ]


def test_the_table_would_notice_a_key_that_opens(merchant: Merchant) -> None:
    for good in (token(claims(merchant)), api_key(merchant)):
        answer = Client().get(BEARER, headers={"Authorization": f"Bearer {good}"})
        assert answer.status_code == 200


@pytest.mark.parametrize("name", TOKENS)
def test_as_a_bearer_it_opens_nothing(
    merchant: Merchant, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    shown = TOKENS[name](merchant)
    before = rows()

    for door, method in product(DOORS, ["GET", "POST"]):
        answer = Client().generic(method, door, headers={"Authorization": f"Bearer {shown}"})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"]
        assert set(answer.json()) == {"error"}
        assert len(shown) < 10 or shown not in caplog.text + answer.content.decode()

    assert rows() == before


@pytest.mark.parametrize("name", TOKENS)
def test_as_an_internal_key_it_opens_nothing(merchant: Merchant, name: str) -> None:
    shown = TOKENS[name](merchant)
    before = rows()

    for door in DOORS:
        assert Client().get(door, headers={"X-Internal-Key": shown}).status_code == 401

    assert rows() == before


# --- the right key, shown wrongly -------------------------------------------------------------


SHOWN_WRONGLY: Mapping[str, Callable[[str], dict[str, str]]] = {
    "an API key as an internal one": lambda key: {"X-Internal-Key": key},
    "by no scheme": lambda key: {"Authorization": key},
    "by another scheme": lambda key: {"Authorization": f"Token {key}"},
    "as a password": lambda key: {"Authorization": f"Basic {part(f'{key}:'.encode())}"},
    "without a space": lambda key: {"Authorization": f"Bearer{key}"},
    "twice": lambda key: {"Authorization": f"Bearer {key}, Bearer {key}"},
    "two in one": lambda key: {"Authorization": f"Bearer {key} {key}"},
    "in quotes": lambda key: {"Authorization": f'Bearer "{key}"'},
    "with more dots": lambda key: {"Authorization": f"Bearer {key}.x"},
    "padded": lambda key: {"Authorization": f"Bearer {key}="},
    "as a cookie": lambda key: {"Cookie": f"Authorization={key}; access={key}"},
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("show", SHOWN_WRONGLY.values(), ids=SHOWN_WRONGLY)
def test_a_key_that_is_shown_wrongly_opens_nothing(
    merchant: Merchant, show: Callable[[str], dict[str, str]], door: str
) -> None:
    assert Client().get(door, headers=show(api_key(merchant))).status_code == 401


@pytest.mark.parametrize("door", DOORS)
def test_an_internal_key_is_no_bearer(merchant: Merchant, door: str) -> None:
    headers = {"Authorization": f"Bearer {internal_key(merchant)}"}

    assert Client().get(door, headers=headers).status_code == 401


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["access_token", "token", "Authorization", "X-Internal-Key"])
def test_a_key_in_the_address_or_in_the_body_is_none(
    merchant: Merchant, door: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for key in (api_key(merchant), internal_key(merchant)):
        assert Client().get(door, {name: key}).status_code == 401
        body = {name: key}
        assert Client().post(door, body, content_type="application/json").status_code == 401
        assert key not in caplog.text


@pytest.mark.parametrize("door", DOORS)
def test_who_is_logged_in_to_the_back_office_is_nobody_here(merchant: Merchant, door: str) -> None:
    client = Client()
    user = member(merchant)
    user.is_staff = user.is_superuser = True
    user.save()
    client.force_login(user)

    assert client.get(door).status_code == 401
    assert client.post(door).status_code == 401


# --- at the other doors -----------------------------------------------------------------------


AT_REFRESH: Mapping[str, Make] = {
    "an API key": api_key,
    "an internal key": internal_key,
    "an access token": lambda merchant: tokens_of_a_user(merchant)["access"],
    "a link's token": lambda merchant: link_token(merchant, Purpose.UPDATE),
    "a password": lambda _merchant: PASSWORD,
    "no ASCII": lambda _merchant: "é.é.é",
}


@pytest.mark.parametrize("name", AT_REFRESH)
def test_what_is_no_refresh_token_makes_no_pair(merchant: Merchant, name: str) -> None:
    shown = AT_REFRESH[name](merchant)
    before = rows()

    answer = refresh(shown)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="recover", error="invalid_token"'
    assert answer.json()["error"]["code"] == "invalid_token"
    assert rows() == before


AS_A_LINK: Mapping[str, Make] = {
    "an API key": api_key,
    "an access token": lambda merchant: tokens_of_a_user(merchant)["access"],
    "a refresh token": lambda merchant: tokens_of_a_user(merchant)["refresh"],
}


@pytest.mark.parametrize("path", [UPDATE_PATH, UNSUBSCRIBE_PATH])
@pytest.mark.parametrize("name", AS_A_LINK)
def test_what_opens_the_api_opens_no_customers_page(
    merchant: Merchant, name: str, path: str
) -> None:
    shown = AS_A_LINK[name](merchant)

    assert Client().get(path, {"token": shown}).status_code == 400
    assert Client().post(path, {"token": shown}).status_code == 400


@pytest.mark.parametrize("name", AT_REFRESH)
def test_it_is_no_password_either(merchant: Merchant, name: str) -> None:
    shown = AT_REFRESH[name](merchant) + "x"
    before = TokenFamily.objects.count()
    body = {"email": EMAIL, "password": shown}

    answer = Client().post("/fourthngoal/recover/token", body, content_type="application/json")

    assert answer.status_code == 401
    assert TokenFamily.objects.count() == before
