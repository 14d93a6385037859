"""A person goes, from everywhere; what they owed and what became of it stays."""

import json
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from billing_portal import links
from billing_portal.links import LinkState
from dunning.erasure import NotErasedError, OpenCasesError
from dunning.mail import addresses, bounces
from dunning.mail.bounce_rules import Verdict
from dunning.mail.bounces import Word
from dunning.models import DunningMessage, SuppressedAddress
from recovery import card_history, failures
from recovery import erasure as rows
from recovery.charge_facts import Card
from recovery.declines import Decline
from recovery.models import (
    Customer,
    Merchant,
    OutboundNotice,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    TimelineEntry,
)
from recovery.pseudonyms import PREFIX
from recovery.stripe_objects import Failure, PaymentMethod
from tests.builders import (
    dashboard,
    make_merchant,
    receive,
)
from tests.dunning.people import (
    BY,
    CANARIES,
    EMAIL,
    NAME,
    erase,
    failure,
    fill,
    live,
    models_of_a_person,
    whereabouts,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def everything(*, but: Customer) -> dict[str, list[dict[str, Any]]]:
    """All rows of the models that tell of people, of everybody else."""
    return {
        model.__name__: list(
            models.QuerySet(model).exclude(**{way: but.pk}).order_by("pk").values()
        )
        for model, way in models_of_a_person().items()
    }


def test_nothing_of_the_person_is_left_in_any_column_of_any_table(merchant: Merchant) -> None:
    customer = live(merchant)
    fill(customer)
    assert {one for one in CANARIES if any(one in place for place in whereabouts())} == set(
        CANARIES
    )

    assert erase(customer) is True

    assert list(whereabouts()) == []


def test_what_was_owed_and_what_became_of_it_is_as_before(merchant: Merchant) -> None:
    customer = live(merchant)
    facts = {
        RecoveryCase: (
            "public_id", "stripe_invoice_id", "invoice_number", "status", "reason", "amount",
            "amount_recovered", "currency", "decline_type", "decline_code", "is_reached",
            "failed_at", "opened_at", "closed_at",
        ),
        TimelineEntry: ("kind", "at", "actor"),
        DunningMessage: ("public_id", "state", "sent_at", "run", "step"),
        OutboundNotice: ("public_id", "type", "sequence", "happened_at"),
    }  # fmt: skip

    def told() -> list[Any]:
        kept = [
            list(models.QuerySet(model).exclude(kind="person_erased").values_list(*names))
            if model is TimelineEntry
            else list(models.QuerySet(model).values_list(*names))
            for model, names in facts.items()
        ]
        figures = dashboard(merchant)
        shown = [{**one, "customer_email_masked": ""} for one in figures.pop("events")]
        return [*map(sorted, kept), figures, shown]

    links.revoke_all(RecoveryCase.objects.get(), now=timezone.now(), actor=BY)
    before = told()

    erase(customer)

    assert told() == before
    said = TimelineEntry.objects.get(kind="person_erased")
    assert (said.actor, said.summary) == (BY, rows.SAID)


def test_nobody_else_is_touched_not_even_who_has_the_same_address(merchant: Merchant) -> None:
    customer = live(merchant)
    live(merchant, customer="cus_2", invoice="in_2")
    live(make_merchant("Moss"), customer="cus_1", invoice="in_1")
    before = everything(but=customer)
    payloads = StripeEvent.objects.exclude(payload__contains='"cus_1"').order_by("pk").values()
    others = list(payloads)

    erase(customer)

    assert everything(but=customer) == before
    assert list(payloads) == others
    assert StripeEvent.objects.exclude(merchant=merchant).filter(payload="").count() == 0


def test_erased_twice_is_erased_once(merchant: Merchant) -> None:
    customer = live(merchant)
    assert erase(customer) is True
    before = [list(models.QuerySet(model).order_by("pk").values()) for model in
              models_of_a_person()]  # fmt: skip

    assert erase(customer) is False

    assert before == [list(models.QuerySet(model).order_by("pk").values()) for model in
                      models_of_a_person()]  # fmt: skip


# --- when it isn't done -----------------------------------------------------------------------


def test_an_open_case_says_no_and_nothing_is_changed(merchant: Merchant) -> None:
    receive(failure("in_1"))
    customer, case = Customer.objects.get(), RecoveryCase.objects.get()
    before = list(TimelineEntry.objects.values())

    with pytest.raises(OpenCasesError) as refused:
        erase(customer)

    assert str(refused.value) == (
        f"1 case is still open ({case.public_id}); to erase the person is to give them up"
    )
    assert Customer.objects.get().name == NAME
    assert list(TimelineEntry.objects.values()) == before


def test_open_cases_are_given_up_when_that_is_said(merchant: Merchant) -> None:
    receive(failure("in_1"), failure("in_2"))

    assert erase(Customer.objects.get(), closes_open_cases=True) is True

    assert set(RecoveryCase.objects.values_list("status", "reason")) == {
        ("lost", "operator_closed")
    }
    assert list(whereabouts()) == []


def test_who_is_being_written_to_this_moment_is_not_erased(merchant: Merchant) -> None:
    customer = live(merchant)
    DunningMessage.objects.update(state="sending", sent_at=None, claimed_at=timezone.now())

    with pytest.raises(NotErasedError, match="a mail is sent to them this moment"):
        erase(customer)

    assert Customer.objects.get().email == EMAIL


def test_who_is_being_charged_this_moment_is_not_erased(merchant: Merchant) -> None:
    customer = live(merchant)
    PaymentAttempt.objects.update(state="claimed", resolved_at=None)

    with pytest.raises(NotErasedError, match="Stripe is asked for their money this moment"):
        erase(customer)

    assert Customer.objects.get().email == EMAIL


# --- what still works -------------------------------------------------------------------------


def test_a_link_leads_nowhere_any_more(merchant: Merchant) -> None:
    customer, now = live(merchant), timezone.now()
    address = links.create(case=RecoveryCase.objects.get(), now=now)
    token = address.partition("token=")[2]

    erase(customer)

    assert links.find(token, now=now).state is LinkState.REVOKED


def test_who_wanted_no_mail_gets_none_ever_after(merchant: Merchant) -> None:
    erase(live(merchant))
    receive(failure("in_9"))

    case = RecoveryCase.objects.get(stripe_invoice_id="in_9")

    assert case.customer_email == EMAIL
    assert addresses.recipient(case) == ""
    assert addresses.suppressed(merchant, EMAIL.upper()) == "unsubscribed"
    assert SuppressedAddress.objects.get().email.startswith(PREFIX)
    lifted = addresses.lift(merchant=merchant, email=EMAIL, actor=BY, now=timezone.now())
    assert (lifted.reason, addresses.recipient(case)) == ("unsubscribed", EMAIL)


def test_a_word_about_an_old_mail_is_heard_and_names_nobody(merchant: Merchant) -> None:
    customer = live(merchant)
    SuppressedAddress.objects.all().delete()
    erase(customer)
    message, now = DunningMessage.objects.select_related("case").get(), timezone.now()

    bounces.take_in(Word(message, Verdict.COMPLAINED, detail=f"<{EMAIL}>", at=now, now=now))
    bounces.take_in(Word(message, Verdict.DROPPED, detail=f"<{EMAIL}>", at=now, now=now))
    bounces.unsubscribed(message, now=now)

    assert list(whereabouts()) == []
    assert addresses.suppressed(merchant, EMAIL) == "complained"


def test_a_card_that_was_refused_for_good_is_known_again(merchant: Merchant) -> None:
    customer = live(merchant)
    fill(customer)
    card = Card("pm_1", fingerprint="FP1canary", expiry="2027-01", brand="visa")
    case = RecoveryCase.objects.get()
    PaymentAttempt.objects.update(error="", decline_type="hard", decline_code="stolen_card")
    PaymentAttempt.objects.update(payment_method_id="pm_1")
    before = [card.is_same_as(one.card) for one in card_history.attempts(case, card, but=None)]

    erase(customer)

    tried = card_history.attempts(case, card, but=None)
    assert [card.is_same_as(one.card) for one in tried] == before
    assert [one.card.fingerprint for one in tried if one.card.fingerprint] == ["FP1canary"]


def test_a_card_that_is_tried_afterwards_is_known_and_not_shown(merchant: Merchant) -> None:
    erase(live(merchant))
    case = RecoveryCase.objects.get()
    method = PaymentMethod(
        id="pm_1", fingerprint="FP1canary", last4="7391", expiry="2027-01", country="DE",
        brand="visa",
    )  # fmt: skip

    failures.record(
        case=case, failure=Failure(Decline("stolen_card"), method, "ch_9"), key="k",
        at=timezone.now(), now=timezone.now(),
    )  # fmt: skip

    tried = PaymentAttempt.objects.latest("id")
    assert (tried.card_brand, tried.card_last4, tried.card_expiry) == ("visa", "", "")
    assert tried.fingerprint.startswith(PREFIX)
    assert card_history.as_known(tried, method.card).fingerprint == "FP1canary"
    assert "7391" not in str(list(TimelineEntry.objects.values()))


def test_what_is_sent_again_to_the_merchants_systems_is_still_json(merchant: Merchant) -> None:
    customer = live(merchant)
    before = _first_notice()

    erase(customer)

    after = _first_notice()
    assert after["data"]["case"].pop("customer_email_masked") == ""
    assert before["data"]["case"].pop("customer_email_masked") == "za***@canary.example"
    assert after["data"]["case"] == before["data"]["case"]


def _first_notice() -> Any:
    return json.loads(OutboundNotice.objects.earliest("id").payload)
