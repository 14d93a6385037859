"""What operators do to a case, one at a time or many: the same use cases as the API's.

Each verb says beforehand of a case whether it would do anything (`why_not`), as far as that is
known without asking anybody, and afterwards what it did.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django import forms

from billing_portal import links
from dunning import campaigns, runs
from dunning.mail import replacements
from dunning.mail.replacements import NotSentError
from dunning.models import DunningCampaign
from dunning.runs import NotReassignedError
from recover_project.back_office.cases import words
from recovery import cases, operator_charges
from recovery.cases import ClosedCaseError, EmptyNoteError
from recovery.charge_results import ChargeResult, Outcome
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import WHY_STAYS, Status

LONGEST_NOTE = 500
CHARGED: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.PAID: "The payment went through.",
        Outcome.ALREADY_PAID: "The money is already back.",
        Outcome.DECLINED: "The payment was declined.",
        Outcome.NEEDS_AUTHENTICATION: "The bank wants the cardholder to confirm the payment.",
        Outcome.PENDING: "The payment is under way; the bank takes its time.",
    }
)


class NotDoneError(Exception):
    """The case stays as it was; says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """By whom, when, with what the form said; `once` is of one showing of the form, at `seen_at`,
    so that a second click is the same request."""

    actor: str
    now: datetime
    seen_at: datetime
    once: str
    told: Mapping[str, Any]


def _as_far_as_is_known(_case: RecoveryCase, _now: datetime) -> str:
    return ""


class Question(forms.Form):
    """What is asked beside the confirmation: of most verbs nothing."""

    def __init__(self, told: Any, *, merchant: Merchant) -> None:  # noqa: ARG002 - some offer its own
        super().__init__(told)


@dataclass(frozen=True, slots=True)
class Verb:
    """`do` says what was done, or raises NotDoneError. `why_not` is known from the case itself,
    `why_not_now` of those that it lets pass costs a question or two. Of what `stays_inside` nobody
    but the merchant's people hears."""

    name: str
    label: str
    explained: str  # beside the button that confirms
    why_not: Callable[[RecoveryCase], str]
    do: Callable[[RecoveryCase, Asked], str]
    form: type[Question] = Question
    why_not_now: Callable[[RecoveryCase, datetime], str] = _as_far_as_is_known
    is_for_many: bool = True
    is_grave: bool = False
    stays_inside: bool = False


# --- what is asked -------------------------------------------------------------------------------


class PauseForm(Question):
    until = forms.DateField(
        required=False, label="Until", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: until somebody resumes it.",
    )  # fmt: skip


class CloseForm(Question):
    reason = forms.CharField(
        required=False, max_length=200, label="Why", help_text="Kept on the timeline."
    )


class NoteForm(Question):
    text = forms.CharField(
        max_length=LONGEST_NOTE, label="Note", widget=forms.Textarea(attrs={"rows": 3})
    )


class CampaignForm(Question):
    campaign = forms.ModelChoiceField(DunningCampaign.objects.none())

    def __init__(self, told: Any, *, merchant: Merchant) -> None:
        super().__init__(told, merchant=merchant)
        field = self.fields["campaign"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - it is declared above
        field.queryset = campaigns.current(merchant)


# --- what is done --------------------------------------------------------------------------------


def _closed(case: RecoveryCase) -> str:
    return "" if case.is_open else WHY_STAYS[Status(case.status)]


def _not_to_be_paused(case: RecoveryCase) -> str:
    return _closed(case) or ("the case is paused already" if case.is_paused else "")


def _not_to_be_resumed(case: RecoveryCase) -> str:
    return _closed(case) or ("" if case.is_paused else "the case is not paused")


def _paid_or_void(case: RecoveryCase) -> str:
    return "" if case.status in {Status.OPEN, Status.LOST} else WHY_STAYS[Status(case.status)]


def _not_to_be_charged(case: RecoveryCase, _now: datetime) -> str:
    """The rules of the card networks are asked with the card at hand, when it is charged."""
    if case.is_payment_under_way:
        return "a bank works on a payment already"
    return "" if case.merchant.stripe.api_key else "Stripe is not connected"


def _not_to_be_written_to(case: RecoveryCase, now: datetime) -> str:
    return replacements.why_not(case, now=now)


def _charge(case: RecoveryCase, asked: Asked) -> str:
    step = operator_charges.step_as_seen(case=case, at=asked.seen_at)
    result = operator_charges.charge(case=case, step=step, actor=asked.actor, now=asked.now)
    if result.outcome in CHARGED:
        return CHARGED[result.outcome]
    raise NotDoneError(_why_not_charged(result))


def _why_not_charged(result: ChargeResult) -> str:
    if result.outcome is Outcome.UNAVAILABLE:
        return "Stripe can't be asked just now; what became of it will be looked up"
    written = words.where_written(result.source)
    told = f"{result.rule} ({written})" if written else result.rule
    if result.outcome is Outcome.NOT_YET and result.from_at:
        return f"not before {result.from_at:%Y-%m-%d %H:%M} UTC: {told}"
    return told


def _write(case: RecoveryCase, asked: Asked) -> str:
    try:
        replacements.send(case, actor=asked.actor, now=asked.now, seen_at=asked.seen_at)
    except NotSentError as error:
        raise NotDoneError(str(error)) from error
    return "A mail with a new link is on its way to the customer."


def _pause(case: RecoveryCase, asked: Asked) -> str:
    until = asked.told.get("until")
    at = datetime.combine(until, datetime.min.time(), case.merchant.zone) if until else None
    if at and at <= asked.now:
        raise NotDoneError("that day is over")
    try:
        handled = cases.pause(case=case, until=at, actor=asked.actor, now=asked.now)
    except ClosedCaseError as error:
        raise NotDoneError(str(error)) from error
    return "The case is paused." if handled.is_changed else "The case was paused already."


def _resume(case: RecoveryCase, asked: Asked) -> str:
    try:
        handled = cases.resume(case=case, actor=asked.actor, now=asked.now)
    except ClosedCaseError as error:
        raise NotDoneError(str(error)) from error
    return "The case goes on." if handled.is_changed else "The case was not paused."


def _close(case: RecoveryCase, asked: Asked) -> str:
    try:
        handled = cases.close(
            case=case, reason=asked.told.get("reason", ""), actor=asked.actor, now=asked.now
        )
    except ClosedCaseError as error:
        raise NotDoneError(str(error)) from error
    return "The case is given up." if handled.is_changed else "The case was given up already."


def _note(case: RecoveryCase, asked: Asked) -> str:
    try:
        cases.note(
            case=case, text=asked.told["text"], once=asked.once, actor=asked.actor, now=asked.now
        )
    except EmptyNoteError as error:
        raise NotDoneError("there is nothing in the note") from error
    return "The note is kept."


def _reassign(case: RecoveryCase, asked: Asked) -> str:
    campaign = asked.told["campaign"]
    try:
        runs.reassign(case=case, campaign=campaign, actor=asked.actor, now=asked.now)
    except NotReassignedError as error:
        raise NotDoneError(str(error)) from error
    return f"{campaign} works the case from now on."


def _revoke(case: RecoveryCase, asked: Asked) -> str:
    revoked = links.revoke_all(case, now=asked.now, actor=asked.actor)
    return f"Links revoked: {revoked}." if revoked else "There was no link that worked."


def _nothing(_case: RecoveryCase) -> str:
    return ""


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        verb.name: verb
        for verb in (
            Verb("charge", "Charge now",
                 "Stripe is asked for the money now, from what it would charge by itself. The "
                 "card networks' rules hold; where one forbids it, nothing is charged and you are "
                 "told which.", _paid_or_void, _charge, why_not_now=_not_to_be_charged),
            Verb("write", "Write now",
                 "The customer gets a mail with a new link now, besides what the campaign sends.",
                 _paid_or_void, _write, why_not_now=_not_to_be_written_to),
            Verb("pause", "Pause",
                 "Nobody is written to and nothing is charged by Recover. Stripe's own retries go "
                 "on, and the customer may still pay.", _not_to_be_paused, _pause, PauseForm,
                 stays_inside=True),
            Verb("resume", "Resume", "The campaign goes on where it is by now.",
                 _not_to_be_resumed, _resume, stays_inside=True),
            Verb("reassign", "Change campaign",
                 "The campaign that works the case ends here, and the other begins: of its steps "
                 "that are due already, the latest is taken at once.", _closed, _reassign,
                 CampaignForm),
            Verb("note", "Add note", "A note is kept on the timeline.", _nothing, _note, NoteForm,
                 stays_inside=True),
            Verb("revoke_links", "Revoke links",
                 "The links that the customer has stop working.", _nothing, _revoke,
                 stays_inside=True),
            Verb("close", "Give up",
                 "The case is lost, and nobody is written to any more. If the money comes after "
                 "all, the case is recovered.", _closed, _close, CloseForm, is_grave=True),
        )
    }
)  # fmt: skip
