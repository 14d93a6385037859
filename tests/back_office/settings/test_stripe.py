"""Settings → Stripe: a key is looked at, mended and connected; looked after; let go."""

import pytest
from django.test import Client
from django.utils import timezone

from recovery import merchants
from recovery.models import Merchant, Role, SigningSecret
from tests.back_office.people import log_in
from tests.back_office.settings.filling_in import address, refused, send
from tests.builders import make_merchant
from tests.connected import KEY, down
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    return make_merchant()


@pytest.fixture
def owner(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER)


def states(client: Client, key: str = KEY, *, only_look: bool = True) -> dict[str, bool]:
    """Of a key that is given: what it may do."""
    fields = {"api_key": key} | ({"look": "1"} if only_look else {})
    answer = client.post(address("_stripe"), fields)
    assert answer.status_code == 200
    assert key not in answer.content.decode()
    return {row.name: row.is_there for row in answer.context["looked_at"]}


def is_connected(merchant: Merchant) -> bool:
    merchant.stripe.refresh_from_db()
    return merchant.stripe.is_connected


def test_a_key_is_looked_at_and_not_connected(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_charge_read", "rak_customer_write"])

    told = states(owner)

    assert [name for name, is_there in told.items() if not is_there] == [
        "rak_charge_read", "rak_customer_write",
    ]  # fmt: skip
    assert len(told) == 13
    assert not is_connected(merchant)


def test_a_key_that_lacks_something_is_mended_and_connected(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_invoice_write"])
    assert states(owner, only_look=False)["rak_invoice_write"] is False
    assert not is_connected(merchant)

    local_stripe.world.restrict(KEY, missing=[])
    said = send(owner, "_stripe", api_key=f" {KEY} ")

    assert said == ["Connected. Stripe tells Recover of payments from now on."]
    assert is_connected(merchant)
    assert merchant.stripe.api_key == KEY
    [endpoint] = local_stripe.world.realm_of(KEY).all("webhook_endpoint")
    page = owner.get(address("_stripe")).content.decode()
    assert merchant.stripe.account_id in page
    assert endpoint["id"] in page
    assert KEY not in page


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("pk_test_1", "That is no secret Stripe key"), ("rk_live_1", "https addresses only")],
)
def test_a_key_that_can_t_be_used_is_refused_in_words_and_not_shown(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client, key: str, sentence: str
) -> None:
    for button in ("connect", "look"):
        told = refused(owner, "_stripe", api_key=key, **{button: "1"})
        assert sentence in told["__all__"][0]

    assert local_stripe.requests == []
    assert not is_connected(merchant)


def test_an_empty_key_is_asked_for(merchant: Merchant, owner: Client) -> None:
    assert refused(owner, "_stripe", api_key=" ") == {"api_key": ["This field is required."]}


def test_an_account_that_is_anothers_names_no_other_merchant(
    merchant: Merchant, owner: Client
) -> None:
    theirs = make_merchant("Moss")
    merchants.connect(merchant=theirs, api_key=KEY, now=timezone.now())

    told = refused(owner, "_stripe", api_key=KEY)

    assert told == {
        "__all__": ["This Stripe account is connected already, as another merchant here."]
    }
    assert not is_connected(merchant)


def test_a_stripe_that_is_down_is_said_to_be(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with down(local_stripe, monkeypatch):
        told = refused(owner, "_stripe", api_key=KEY)

    assert list(told) == ["__all__"]
    assert not is_connected(merchant)


def test_the_connected_key_is_looked_at_again(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    send(owner, "_stripe", api_key=KEY)
    local_stripe.world.restrict(KEY, missing=["rak_event_read"])

    assert send(owner, "_stripe_look") == ["The key lacks what is marked below."]

    rows = owner.get(address("_stripe")).context["kept"]
    assert [row.name for row in rows if not row.is_there] == ["rak_event_read"]


def test_a_look_that_stripe_doesn_t_answer_says_so(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(owner, "_stripe", api_key=KEY)

    with down(local_stripe, monkeypatch):
        said = send(owner, "_stripe_look")

    assert len(said) == 1
    assert "The key lacks" not in said[0]


def test_the_signing_secret_is_replaced_and_never_shown(merchant: Merchant, owner: Client) -> None:
    send(owner, "_stripe", api_key=KEY)
    before = {row.secret for row in SigningSecret.objects.all()}

    said = send(owner, "_stripe_rotate")

    assert said == ["Replaced. Nothing that the old secret signs is believed now."]
    [after] = [row.secret for row in SigningSecret.objects.all()]
    assert after not in before
    assert after not in owner.get(address("_stripe")).content.decode()


def test_stripe_is_disconnected_and_says_since_when(merchant: Merchant, owner: Client) -> None:
    send(owner, "_stripe", api_key=KEY)

    said = send(owner, "_stripe_disconnect")

    assert said == ["Disconnected. Nobody is charged or written to until it is again."]
    assert not is_connected(merchant)
    page = owner.get(address("_stripe")).content.decode()
    assert "disconnected" in page
    assert address("_stripe_disconnect") not in page


def test_an_endpoint_that_is_left_at_stripe_is_named(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(owner, "_stripe", api_key=KEY)
    merchant.stripe.refresh_from_db()
    endpoint = merchant.stripe.endpoint_id

    with down(local_stripe, monkeypatch):
        said = send(owner, "_stripe_disconnect")

    assert any(endpoint in sentence for sentence in said)
    assert not is_connected(merchant)
