"""What is read of Checkout's sessions, and of what names one."""

from typing import Any

import pytest

from recovery.checkout_sessions import CheckoutSession, named_in

NAMED = {"metadata": {"recover_checkout": "chk_1"}}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"object": "payment_intent", "id": "pi_1", **NAMED}, ("chk_1", "pi_1")),
        (
            {"object": "charge", "id": "ch_1", "payment_intent": "pi_1", **NAMED},
            ("chk_1", "pi_1"),
        ),
        ({"object": "checkout.session", "id": "cs_1", **NAMED}, ("", "")),
        ({"object": "payment_intent", "id": "pi_1", "metadata": {}}, ("", "")),
        ({"object": "payment_intent", "id": "pi_1"}, ("", "")),
        ({"object": ["payment_intent"], **NAMED}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_a_payment_and_its_charge_name_their_checkout(
    told: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert named_in(told) == expected


def test_a_session_without_a_payment_or_an_address_is_read_too() -> None:
    made = {"id": "cs_1", "url": "https://checkout.stripe.com/c/1", "status": "open"}

    assert CheckoutSession.read(made) == CheckoutSession(
        "cs_1", "https://checkout.stripe.com/c/1", "open", ""
    )
    assert CheckoutSession.read({"id": "cs_1", "payment_intent": {"id": "pi_1"}}) == (
        CheckoutSession("cs_1", "", "", "pi_1")
    )
