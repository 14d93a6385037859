"""send_window and decline_types: what holds is printed, what can't hold is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recovery import merchants
from recovery.declines import DeclineType
from recovery.models import DeclineOverride, Merchant, PaymentAttempt, RecoveryCase
from tests.builders import event, make_merchant, receive
from tests.recovery.test_commands import refused, run

pytestmark = pytest.mark.django_db
HARD, SOFT = DeclineType.HARD, DeclineType.SOFT


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="Europe/Berlin")


def window(merchant: Merchant, *options: str) -> list[str]:
    return run("send_window", merchant.public_id, *options).splitlines()


def decline_types(merchant: Merchant, *arguments: str) -> str:
    return run("decline_types", merchant.public_id, *arguments)


def fail(code: str, number: int = 1) -> RecoveryCase:
    invoice = {
        "id": f"in_{number}", "customer_email": "jo@example.com", "amount_due": 4900,
        "currency": "usd", "last_finalization_error": {"decline_code": code},
    }  # fmt: skip
    receive(event("invoice.payment_failed", invoice))
    return RecoveryCase.objects.get(stripe_invoice_id=invoice["id"])


# --- send_window ------------------------------------------------------------------------------


def test_a_window_is_printed_as_it_holds(merchant: Merchant) -> None:
    assert window(merchant) == [
        "from            0:00",
        "until           24:00",
        "weekdays        Mon, Tue, Wed, Thu, Fri, Sat, Sun",
        "clock           the customer's; where it isn't known Europe/Berlin",
    ]


def test_what_is_given_is_kept_and_the_rest_stays(merchant: Merchant) -> None:
    window(merchant, "--from", "9", "--until", "18", "--weekdays", "12345")
    printed = window(merchant, "--until", "17")

    assert printed[:3] == [
        "from            9:00", "until           17:00", "weekdays        Mon, Tue, Wed, Thu, Fri",
    ]  # fmt: skip
    merchant.refresh_from_db()
    kept = (merchant.send_from_hour, merchant.send_until_hour, merchant.send_weekdays)
    assert kept == (9, 17, "12345")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--from", "18", "--until", "9"],
         "--until: 9 isn't after 18. A window ends on the day it begins."),
        (["--from", "9", "--until", "9"],
         "--until: 9 isn't after 9. A window ends on the day it begins."),
        (["--from", "24"], "--from: Ensure this value is less than or equal to 23."),
        (["--from", "-1"], "--from: Ensure this value is greater than or equal to 0."),
        (["--until", "25"], "--until: Ensure this value is less than or equal to 24."),
        (["--until", "0"], "--until: Ensure this value is greater than or equal to 1."),
        (["--from", "nine"], "Error: argument --from: invalid int value: 'nine'"),
        (["--weekdays", ""], "--weekdays: This field cannot be blank."),
        (["--weekdays", "0"], "--weekdays: Write 12345 for Monday to Friday."),
        (["--weekdays", "51"], "--weekdays: Write 12345 for Monday to Friday."),
        (["--weekdays", "Mon"], "--weekdays: Write 12345 for Monday to Friday."),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_is_refused_and_nothing_is_kept(
    merchant: Merchant, options: list[str], sentence: str
) -> None:
    before = Merchant.objects.values().get()

    assert refused("send_window", merchant.public_id, *options) == sentence
    assert Merchant.objects.values().get() == before


# --- decline_types ----------------------------------------------------------------------------


def test_a_merchants_views_are_listed_beside_what_is_shipped(merchant: Merchant) -> None:
    assert decline_types(merchant) == "Fern Tea Club counts every code as it is shipped.\n"
    decline_types(merchant, "restricted_card", "hard")
    decline_types(merchant, "brand_new_code", "action_required")
    make_merchant("Moss")

    assert decline_types(merchant).splitlines() == [
        "brand_new_code                  action_required (shipped: soft, as any unknown code)",
        "restricted_card                 hard (shipped: action_required)",
    ]
    assert "every code" in decline_types(Merchant.objects.get(name="Moss"))


def test_setting_and_removing_say_how_many_open_cases_show_the_code(merchant: Merchant) -> None:
    case = fail("restricted_card")
    assert case.decline_type == "action_required"

    said = decline_types(merchant, "restricted_card", "hard")
    case.refresh_from_db()
    assert said == "restricted_card counts as hard from now on. 1 open case shows it.\n"
    assert case.decline_type == "hard"

    fail("restricted_card", 2)
    said = decline_types(merchant, "--remove", "restricted_card")
    case.refresh_from_db()
    assert said == (
        "restricted_card counts as it is shipped again: action_required. 2 open cases show it.\n"
    )
    assert case.decline_type == "action_required"
    assert decline_types(merchant, "restrictedcard", "hard") == (
        "restrictedcard counts as hard from now on. No open case shows it.\n"
    )


def test_a_failure_that_was_counted_the_merchants_way_is_counted_the_shipped_way_again(
    merchant: Merchant,
) -> None:
    merchants.override_decline(
        merchant=merchant, decline_code="restricted_card", decline_type=HARD
    )
    case, unrelated = fail("restricted_card"), fail("do_not_honor", 2)
    other = make_merchant("Moss")
    merchants.override_decline(merchant=other, decline_code="restricted_card", decline_type=HARD)
    assert (case.decline_type, case.attempts.get().decline_type) == ("hard", "hard")

    merchants.forget_override(merchant=merchant, decline_code="restricted_card")

    case.refresh_from_db()
    assert (case.decline_type, case.attempts.get().decline_type) == ("action_required",) * 2
    assert unrelated.attempts.get().decline_type == "soft"
    assert DeclineOverride.by_code(merchant.pk) == {}
    assert DeclineOverride.by_code(other.pk) == {"restricted_card": HARD}


def test_an_attempt_that_failed_without_a_decline_is_left_as_it_is(merchant: Merchant) -> None:
    case = fail("restricted_card")
    odd = PaymentAttempt.objects.create(
        merchant=merchant, case=case, trigger="recover", key="odd", state="failed",
        attempted_at=timezone.now() - timedelta(hours=1), resolved_at=timezone.now(), error="500",
        decline_code="restricted_card", amount=4900, currency="usd",
    )  # fmt: skip
    merchants.override_decline(
        merchant=merchant, decline_code="restricted_card", decline_type=SOFT
    )
    merchants.forget_override(merchant=merchant, decline_code="restricted_card")

    odd.refresh_from_db()
    assert odd.decline_type == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stolen_card", "soft"],
         "CODE: What stolen_card means is not the merchant's to say."),
        (["", "soft"], "CODE: What no code means is not the merchant's to say."),
        (["Do not honor", "soft"], "CODE: Write it as Stripe does: insufficient_funds."),
        (["x" * 101, "soft"], "CODE: Write it as Stripe does: insufficient_funds."),
        (["do_not_honor"], "Say what do_not_honor counts as: soft, hard, action_required."),
        (["do_not_honor", "firm"],
         "Say what do_not_honor counts as: soft, hard, action_required."),
        (["--remove", "do_not_honor"],
         "CODE: Fern Tea Club has no view of its own on it."),
        (["do_not_honor", "soft", "--remove", "do_not_honor"],
         "Set a code or remove one, not both at once."),
    ],
)  # fmt: skip
def test_what_is_not_a_merchants_to_say_is_refused_and_nothing_changes(
    merchant: Merchant, arguments: list[str], sentence: str
) -> None:
    merchants.override_decline(merchant=merchant, decline_code="fraudy", decline_type=SOFT)
    before = list(DeclineOverride.objects.values())

    assert refused("decline_types", merchant.public_id, *arguments) == sentence
    assert list(DeclineOverride.objects.values()) == before


@pytest.mark.parametrize("command", ["send_window", "decline_types", "suppressed_addresses"])
def test_nobodys_settings_are_refused(command: str) -> None:
    assert refused(command, "mer_none") == "There is no merchant mer_none."
