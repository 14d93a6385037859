"""What operators do to a case: it pauses, goes on, is given up."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from recovery import desk, timeline
from recovery.batches import apart
from recovery.cases.moves import advance
from recovery.cases.rows import locked
from recovery.models import RecoveryCase
from recovery.state_machine import WHY_STAYS, Status, Trigger
from recovery.timeline import Actor, Kind

THEIR_DECISION = "the merchant's own decision"
BATCH = 200


class ClosedCaseError(Exception):
    """The case is closed, so there is nothing to pause, resume or give up; says why it stays."""

    def __init__(self, case: RecoveryCase) -> None:
        super().__init__(WHY_STAYS[Status(case.status)])
        self.case = case


class EmptyNoteError(ValueError):
    """There is nothing in the note."""


@dataclass(frozen=True, slots=True)
class Handled:
    """The case as it is now; not `is_changed`: it was so before."""

    case: RecoveryCase
    is_changed: bool


@transaction.atomic
def pause(*, case: RecoveryCase, until: datetime | None, actor: str, now: datetime) -> Handled:
    """Nobody is written to and nothing is charged by itself, until then or until it is resumed.
    Raises ClosedCaseError."""
    case = _open(case)
    if case.is_paused and case.paused_until == until:
        return Handled(case, is_changed=False)
    case.is_paused, case.paused_until = True, until
    case.save(update_fields=["is_paused", "paused_until"])
    end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until somebody resumes it"
    _tell(case, Kind.PAUSED, f"The case is paused {end}.", actor=actor, now=now)
    return Handled(case, is_changed=True)


@transaction.atomic
def resume(*, case: RecoveryCase, actor: str, now: datetime) -> Handled:
    """Dunning goes on where it is by now. Raises ClosedCaseError."""
    case = _open(case)
    if not case.is_paused:
        return Handled(case, is_changed=False)
    case.is_paused, case.paused_until = False, None
    case.save(update_fields=["is_paused", "paused_until"])
    _tell(case, Kind.RESUMED, "The case goes on.", actor=actor, now=now)
    return Handled(case, is_changed=True)


@transaction.atomic
def close(*, case: RecoveryCase, reason: str, actor: str, now: datetime) -> Handled:
    """Give the case up: it is lost, unless the money comes after all. `reason` is the operator's
    own words. Raises ClosedCaseError for a debt that is paid or was never owed."""
    case = locked(case)
    if case.status == Status.LOST:
        return Handled(case, is_changed=False)
    closed = advance(
        case=_open(case), trigger=Trigger.OPERATOR_CLOSED, at=now, now=now, actor=actor,
        once=now.isoformat(), facts={"reason": reason} if reason else None,
    )  # fmt: skip
    return Handled(closed, is_changed=True)


def note(*, case: RecoveryCase, text: str, once: str, actor: str, now: datetime) -> None:
    """What a person wants kept on the case, whatever its state. `once` is of one writing of it: a
    second click adds nothing. Raises EmptyNoteError."""
    text = text.strip()
    if not text:
        raise EmptyNoteError
    timeline.append(
        case=case, kind=Kind.NOTE, summary=text, once=f"note:{once}", at=now, actor=actor
    )


@desk.at_desk
def forget_person(*, case: RecoveryCase, now: datetime) -> None:
    """What the case says of who owes goes: what it was for, its page at Stripe, the card's last
    digits. Money, times, codes and Stripe's ids stay."""
    case = locked(case)
    case.description, case.hosted_invoice_url, case.card_last4 = "", "", ""
    case.person_erased_at = now
    desk.keep(case)


def resume_due(*, now: datetime) -> None:
    """Pauses end when they were said to."""
    due = RecoveryCase.objects.filter(status=Status.OPEN, is_paused=True, paused_until__lte=now)
    for case in due.order_by("paused_until")[:BATCH]:
        with apart(f"Case {case.public_id}", **case.log_ids), transaction.atomic():
            held = locked(case)
            if held.is_open and held.paused_until and held.paused_until <= now:
                resume(case=held, actor=Actor.RECOVER, now=now)


def _open(case: RecoveryCase) -> RecoveryCase:
    case = locked(case)
    if not case.is_open:
        raise ClosedCaseError(case)
    return case


def _tell(case: RecoveryCase, kind: Kind, summary: str, *, actor: str, now: datetime) -> None:
    timeline.append(
        case=case, kind=kind, summary=summary, once=f"{kind}:{now.isoformat()}", at=now,
        actor=actor, rule=THEIR_DECISION,
    )  # fmt: skip
