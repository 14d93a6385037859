"""What users of other systems complain of, and what is impossible here: new cards and links."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from billing_portal.tasks import charge_new_cards
from dunning.tasks import work_due_steps
from recovery.models import RecoveryCase
from tests.connected import KEY, ask
from tests.dunning.own_campaigns import published, step
from tests.journeys.scene import Scene, given_to_recover, link_in, scene, status, told
from tests.threads import at_once

__all__ = ["scene"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/fourthngoal/recover/update"


def test_a_new_card_does_not_wait_for_the_next_retry(scene: Scene) -> None:
    """arooo #168; killbill #96; frappe/press #5877: the card is updated and nothing happens."""
    case = scene.fails("expired_card")
    scene.live(hours=3)
    card = scene.has_new_card(case)
    scene.settle()

    assert status(case) == ("recovered", "invoice_paid")
    assert (case.mechanism, scene.charges(case, "customer")) == ("card_update", [0.12])
    assert scene.asked()[0].params["payment_method"] == card


def test_a_new_card_leaves_no_invoice_unpaid(scene: Scene) -> None:
    """killbill #96; twenty #25430: a new card pays one invoice, or only the newest."""
    first = scene.fails("expired_card")
    debts = [first, *(scene.renews(first.stripe_subscription_id) for _again in range(2))]
    scene.has_new_card(first)
    scene.settle()

    assert [status(case)[0] for case in debts] == ["recovered"] * 3
    assert [scene.taken(case) for case in debts] == [1, 1, 1]
    assert [one.path.split("/")[3] for one in scene.asked()] == [
        case.stripe_invoice_id for case in debts
    ]


def test_a_new_card_is_charged_once_whoever_tells_of_it(scene: Scene) -> None:
    """buttondown #1682: two events and a page tell of one new card, and each is acted on."""
    case = scene.fails("expired_card")
    link, _return = _sets_out(scene, case)
    scene.has_new_card(case)
    scene.stripe.engine.catch_up()
    for _again in range(2):
        at_once(lambda: Client().get(_return), charge_new_cards)
        scene.tells_again()

    assert (status(case)[0], scene.taken(case), len(scene.asked())) == ("recovered", 1, 1)
    assert link.case == case


def _sets_out(scene: Scene, case: RecoveryCase) -> tuple[PaymentUpdateLink, str]:
    """The customer went to Stripe's portal by a link; where Stripe sends them back to."""
    token = links.create(case=case, now=scene.now).partition("token=")[2]
    assert Client().post(PAGE, {"token": token}).status_code == 303
    link = PaymentUpdateLink.objects.latest("id")
    address = links.return_url(link, now=scene.now)
    return link, f"{PAGE}/return?{address.partition('?')[2]}"


def test_the_subscriptions_own_old_card_does_not_hide_the_new_one(scene: Scene) -> None:
    """cashier-stripe #1650, #1358: a new card of the customer, and the subscription's old one is
    charged."""
    case = scene.fails("expired_card")
    ask(
        scene.stripe, "POST", f"subscriptions/{case.stripe_subscription_id}",
        default_payment_method=case.payment_method_id,
    )  # fmt: skip
    scene.live(hours=1)
    card = scene.has_new_card(case)
    scene.settle()

    assert status(case) == ("recovered", "invoice_paid")
    assert [one.params["payment_method"] for one in scene.asked()] == [card]


def test_the_next_renewal_does_not_fail_on_the_card_that_was_replaced(scene: Scene) -> None:
    """codecov/codecov-api #630: the card is updated and this invoice paid, and the next renewal is
    charged to the old one."""
    case = scene.fails("expired_card")
    own = scene.at_stripe("subscription", case.stripe_subscription_id)
    own["default_payment_method"] = case.payment_method_id
    card = scene.has_new_card(case)
    scene.settle()
    assert status(case) == ("recovered", "invoice_paid")

    scene.stripe.scenarios.renews(subscription=own["id"], key=KEY)
    scene.settle()

    assert (own["default_payment_method"], own["status"]) == (card, "active")
    assert RecoveryCase.objects.get() == case
    assert told(case, "card_put") == [
        f"The new card is now the default_payment_method of subscription {own['id']}."
    ]


def test_a_retry_does_not_go_back_to_the_old_card(scene: Scene) -> None:
    """killbill #1097: retries go on with the card that was replaced."""
    given_to_recover(scene.merchant, 2, 4)
    case = scene.fails()
    old = case.payment_method_id
    new = scene.has_new_card(case, card="pm_card_mastercard")
    scene.stripe.faults.add("decline", path="*/pay", reason="generic_decline")
    scene.live(days=3)

    asked = [one.params["payment_method"] for one in scene.asked()]
    assert asked == [new, new]
    assert old not in asked
    assert (status(case)[0], scene.charges(case)) == ("recovered", [2.0])


def test_a_card_that_its_bank_replaced_is_charged_once_and_not_anew_at_each_word(
    scene: Scene,
) -> None:
    """guardian/support-service-lambdas #37: an updated card sets the count of retries to zero."""
    case = scene.fails("expired_card")
    scene.live(hours=1)
    assert case.customer
    scene.stripe.scenarios.card_updated(
        customer=case.customer.stripe_customer_id, exp="2031-05", reason="insufficient_funds"
    )
    scene.settle()
    for _again in range(3):
        scene.tells_again()

    assert scene.charges(case, "customer") == [0.04]
    assert len(scene.asked()) == 1


def test_a_hard_decline_of_one_card_does_not_bar_another(scene: Scene) -> None:
    """hyperswitch #9742: a hard decline ends everything, though the customer has other cards."""
    case = scene.fails("stolen_card")
    scene.has_new_card(case)
    scene.settle()

    assert status(case) == ("recovered", "invoice_paid")
    assert scene.taken(case) == 1


def test_the_button_of_a_mail_does_not_lead_astray(scene: Scene) -> None:
    """glimesh.tv #395: the button of the mail opens the home page."""
    scene.fails("expired_card")
    address = link_in(mail.outbox[0])

    page = Client().get(address)
    assert (page.status_code, "$49.00" in page.content.decode()) == (200, True)
    token = address.partition("token=")[2]
    answer = Client().post(PAGE, {"token": token})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{scene.stripe.url}/")


def test_no_mail_of_a_campaign_has_a_dead_link(scene: Scene) -> None:
    """lago (lack); launchly #316; AyeCode/invoicing #505: the link is dead when it is needed."""
    scene.fails("expired_card")
    days = []
    while len(mail.outbox) < 5:
        before = len(mail.outbox)
        scene.live(days=1)
        if len(mail.outbox) > before:
            days.append(scene.day(scene.now))
            scene.live(days=1)
        assert Client().get(link_in(mail.outbox[-1])).status_code in {200, 410}
    assert Client().get(link_in(mail.outbox[-1])).status_code == 200


def test_who_comes_too_late_is_not_left_at_a_dead_link(scene: Scene) -> None:
    """lago (lack): after 12 hours the link is dead and says nothing more."""
    published(scene.merchant, step("email", template="action"), default_for="action_required")
    case = scene.fails("expired_card")
    address = link_in(mail.outbox[0])
    scene.live(days=7, hours=1)

    page = Client().get(address)
    assert (page.status_code, "Send me a new link" in page.content.decode()) == (410, True)
    for _again in range(2):
        Client().post(f"{PAGE}/replace", {"token": address.partition("token=")[2]})
    scene.live(hours=1)

    assert len(mail.outbox) == 2
    assert Client().get(link_in(mail.outbox[1])).status_code == 200
    assert told(case, "link_requested") == ["A new link was asked for on an expired page."]


def test_a_mail_scanner_uses_nothing_up(scene: Scene) -> None:
    """every system surveyed (lack): a mail scanner may use the link up before the customer."""
    case = scene.fails("expired_card")
    address = link_in(mail.outbox[0])
    for _again in range(3):
        assert Client().head(address).status_code == 200
        assert Client().get(address).status_code == 200
    link = PaymentUpdateLink.objects.get()

    assert (link.started_at, link.finished_at, scene.asked()) == (None, None, [])
    assert status(case) == ("open", "")
    assert Client().post(PAGE, {"token": address.partition("token=")[2]}).status_code == 303


def test_a_customer_who_closes_the_page_is_charged_all_the_same(scene: Scene) -> None:
    """arooo #168: the card was taken, and nobody charged it."""
    case = scene.fails("expired_card")
    _sets_out(scene, case)
    scene.has_new_card(case)
    scene.live(minutes=15)

    assert status(case) == ("recovered", "invoice_paid")
    assert told(case, "update_finished") == []


def test_no_mail_asks_for_a_card_that_was_just_given(scene: Scene) -> None:
    """arooo #168: the mail of the failure comes after the card was updated."""
    published(scene.merchant, step("email", timedelta(hours=12)))
    case = scene.fails()
    scene.live(hours=11, minutes=45)
    scene.has_new_card(case)
    scene.move_to(scene.began_at + timedelta(hours=12))
    work_due_steps()
    scene.settle()

    assert (status(case)[0], scene.charges(case, "customer")) == ("recovered", [0.5])
    assert scene.mails() == []
    assert told(case, "message_not_sent") == ["Not sent: the case is recovered."]
