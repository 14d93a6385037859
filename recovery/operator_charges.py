"""A person, or a program of the merchant's, asks for a case's money now."""

from datetime import datetime, timedelta

from recovery import attempts, charge_methods, customers, recording, timeline
from recovery.charge_methods import NotToBeChargedError
from recovery.charge_results import ChargeResult, Outcome
from recovery.mechanisms import AttemptTrigger
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import NotConnectedError, StripeError, StripeUnavailableError
from recovery.timeline import Kind

CLICKED_TWICE = timedelta(minutes=1)
FIRST, AFTER = "first", "after:"  # steps of who saw the case, or can't say
NO_METHOD = "the customer has no payment method"


def step_as_seen(*, case: RecoveryCase, at: datetime) -> str:
    """The `step` of who saw the case at `at`: the same for a second click, and for two people who
    saw it before either asked, so that both hear of one charge."""
    asked = case.timeline.filter(kind=Kind.CHARGE_ASKED, at__lt=at).order_by("-at", "-id").first()
    return f"{AFTER}{asked.pk}" if asked else FIRST


def step_of_click(*, case: RecoveryCase, now: datetime) -> str:
    """The `step` of who asks and can't say what they saw: the same for a minute."""
    asked = case.timeline.filter(kind=Kind.CHARGE_ASKED, at__gt=now - CLICKED_TWICE, at__lte=now)
    for once in asked.order_by("-at", "-id").values_list("once", flat=True):
        step = once.removeprefix("asked:")
        if step.startswith((FIRST, AFTER)):
            return step
    return step_as_seen(case=case, at=now)


def charge(*, case: RecoveryCase, step: str, actor: str, now: datetime) -> ChargeResult:
    """Charge what Stripe would charge, within the charging rules, once for each `step`."""
    if case.status == Status.RECOVERED:
        return ChargeResult(Outcome.ALREADY_PAID)
    if case.is_of_erased:
        return charge_methods.refuse(
            case, customers.ERASED, now=now, source="docs/people.md, Erasing a person"
        )
    timeline.append(
        case=case, kind=Kind.CHARGE_ASKED, at=now, once=f"asked:{step}", actor=actor,
        summary="The money was asked for by hand.",
    )  # fmt: skip
    try:
        method_id = charge_methods.current(case=case, now=now)
    except NotToBeChargedError as error:
        return charge_methods.refuse(case, str(error), now=now)
    except StripeUnavailableError:
        return ChargeResult(Outcome.UNAVAILABLE)
    except NotConnectedError as error:
        return recording.tell_refusal(
            case, f"operator:{step}", str(error), source=recording.CONNECTION, now=now
        )
    except StripeError as error:
        return recording.tell_refusal(case, f"operator:{step}", str(error), now=now)
    if not method_id:
        return recording.tell_refusal(case, f"operator:{step}", NO_METHOD, now=now)
    return attempts.charge(
        case=case, payment_method_id=method_id, trigger=AttemptTrigger.OPERATOR,
        is_customer_present=False, step=step, now=now,
    )  # fmt: skip
