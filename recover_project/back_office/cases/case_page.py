"""All of one case, for the page that operators work on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage, DunningRun
from recover_project.back_office.access import Right, Working
from recover_project.back_office.cases import words
from recover_project.back_office.cases.verbs import VERBS
from recover_project.back_office.demo import rows as demo_rows
from recovery.models import PaymentAttempt, RecoveryCase, TimelineEntry
from recovery.timeline import Kind

A_PAGE = 100  # entries of a timeline
LONGEST_LIST = 50  # of attempts, messages, links: no case has more that anybody reads
# What was decided against, and what came to nothing.
AGAINST = frozenset(
    {
        Kind.ATTEMPT_REFUSED, Kind.STEP_SKIPPED, Kind.MESSAGE_NOT_SENT, Kind.STAYED,
        Kind.NOT_ENRICHED, Kind.CARD_NOT_PUT, Kind.NO_WAY_TO_STRIPE,
    }
)  # fmt: skip
GOOD = frozenset({Kind.ATTEMPT_SUCCEEDED, Kind.UPDATE_FINISHED, Kind.CARD_PUT})
BAD = frozenset({Kind.ATTEMPT_FAILED, Kind.MESSAGE_BOUNCED, Kind.MESSAGE_COMPLAINED})
BY_PEOPLE = frozenset({Kind.NOTE, Kind.TASK_DONE, Kind.PAUSED, Kind.RESUMED, Kind.LINK_MADE})


def context(case: RecoveryCase, *, at: Working, page: str | None, now: datetime) -> dict[str, Any]:
    shown = Paginator(_timeline(case), A_PAGE).get_page(page)
    status, tone = words.status(case)
    may_operate = at.may(Right.OPERATE)
    return {
        "case": case,
        "is_made_up": demo_rows.is_made_up(case),
        "state": status,
        "tone": tone,
        "amount": words.amount(case),
        "who": words.who(case),
        "why": words.reason(case),
        "facts": _facts(case),
        "next": _next(case, now) if case.is_open else [],
        "page": shown,
        "entries": [_entry(entry) for entry in shown],
        "attempts": [_attempt(attempt) for attempt in _attempts(case)],
        "messages_sent": _messages(case),
        "links": _links(case),
        "tasks": case.tasks.order_by("done_at", "-id")[:LONGEST_LIST],
        "verbs": [verb for verb in VERBS.values() if may_operate and not verb.why_not(case)],
        "may_operate": may_operate,
    }


def _timeline(case: RecoveryCase) -> QuerySet[TimelineEntry]:
    return case.timeline.order_by("-at", "-id")


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    kind = Kind(entry.kind) if entry.kind in set(Kind) else None
    tone = next(
        (
            name
            for name, kinds in (
                ("against", AGAINST), ("good", GOOD), ("bad", BAD), ("person", BY_PEOPLE)
            )
            if kind in kinds
        ),
        "",
    )  # fmt: skip
    return {
        "at": entry.at,
        "actor": entry.actor,
        "summary": entry.summary,
        "rule": entry.rule,
        "source": entry.source,
        "facts": _flat(entry.facts),
        "tone": tone,
        "is_against": tone == "against",
    }


def _flat(facts: Mapping[str, Any], *, within: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in facts.items():
        label = f"{within}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            found += _flat(value, within=f"{label}: ")
        elif isinstance(value, list):
            found.append((label, "; ".join(_line(item) for item in value) or "none"))
        elif value not in {"", None}:
            found.append((label, str(value)))
    return found


def _line(item: Any) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in item.items())
    return str(item)


def _facts(case: RecoveryCase) -> list[dict[str, str]]:
    """What is known of the debt, with where Stripe's dashboard shows it."""
    customer, connection = case.customer, case.merchant.stripe
    told: list[tuple[str, str, str]] = [
        ("Customer", words.who(case), customer.stripe_customer_id if customer else ""),
        ("E-mail", case.customer_email, ""),
        ("For", case.description, ""),
        ("Invoice", case.invoice_number or case.stripe_invoice_id, case.stripe_invoice_id),
        ("Payment", case.stripe_payment_intent_id, case.stripe_payment_intent_id),
        ("Subscription", case.stripe_subscription_id, case.stripe_subscription_id),
        ("Card", f"{case.card_brand} •••• {case.card_last4}" if case.card_last4 else "", ""),
        ("Kind of decline", case.get_decline_type_display(), ""),
        ("Stripe's code", " ".join(filter(None, [case.decline_code, case.advice_code])), ""),
        ("Retries by", case.get_retry_driver_display(), ""),
        ("Came back by", words.CAME_BACK_BY.get(case.mechanism, ""), ""),
        ("Came back", _came_back(case), ""),
        ("Closed because", words.CLOSED_BECAUSE.get(case.reason, ""), ""),
        ("Mode", "live" if case.livemode else "test", ""),
        ("Id", case.public_id, ""),
    ]
    return [
        {
            "name": name,
            "value": value,
            "at_stripe": words.at_stripe(stripe_id, connection=connection, livemode=case.livemode),
        }
        for name, value, stripe_id in told
        if value
    ]


def _came_back(case: RecoveryCase) -> str:
    if not case.amount_recovered:
        return ""
    back = words.money(case.amount_recovered, case.currency)
    if not case.amount_refunded:
        return back
    return f"{back}, of which {words.money(case.amount_refunded, case.currency)} went back again"


def _next(case: RecoveryCase, now: datetime) -> list[tuple[datetime | None, str]]:
    """What happens when, by whatever is known of it now."""
    told: list[tuple[datetime | None, str]] = []
    if case.is_paused:
        told.append((case.paused_until, "The pause ends."))
    if case.settles_at and case.settles_at > now:
        told.append((case.settles_at, "The customer is left alone until then."))
    if case.next_payment_attempt_at and case.next_payment_attempt_at > now:
        told.append((case.next_payment_attempt_at, "Stripe asks for the money again."))
    run = case.runs.filter(state=DunningRun.State.LIVE).select_related("campaign").first()
    if run and run.due_at:
        told.append((run.due_at, _of_the_run(run)))
    due = case.retries.filter(state="due").values_list("due_at", flat=True)[:5]
    told += [(at, "Recover asks for the money again.") for at in due]
    earliest = now - timedelta(days=3650)
    return sorted(told, key=lambda one: one[0] or earliest)


def _of_the_run(run: DunningRun) -> str:
    step = run.campaign.steps.filter(position=run.next_position).first()
    if step is None:
        then = run.campaign.get_end_action_display()
        return f"{run.campaign} has taken every step; then: {then}."
    channel = step.get_channel_display().lower()
    return f"{run.campaign}, step {step.position}: {channel} {step.template}"


def _attempts(case: RecoveryCase) -> QuerySet[PaymentAttempt]:
    return case.attempts.order_by("-attempted_at", "-id")[:LONGEST_LIST]


def _attempt(attempt: PaymentAttempt) -> dict[str, Any]:
    codes = [
        attempt.decline_code, attempt.advice_code, attempt.network_decline_code,
        attempt.network_advice_code,
    ]  # fmt: skip
    failed = attempt.state == PaymentAttempt.State.FAILED
    why = words.reason(attempt) if failed else ""
    return {"row": attempt, "codes": " · ".join(filter(None, codes)), "why": why}


def _messages(case: RecoveryCase) -> QuerySet[DunningMessage]:
    return case.messages.order_by("-id").defer("body_html", "body_text")[:LONGEST_LIST]


def _links(case: RecoveryCase) -> QuerySet[PaymentUpdateLink]:
    return PaymentUpdateLink.objects.filter(case=case).order_by("-id")[:LONGEST_LIST]
