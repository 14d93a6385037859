"""All of one case, for the page that operators work on."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage
from recover_project.back_office.access import Right, Working
from recover_project.back_office.cases import to_come, words
from recover_project.back_office.cases.verbs import VERBS
from recover_project.back_office.customers import customer_page
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
        "next": to_come.events(case, now=now),
        "page": shown,
        "entries": [_entry(entry, currency=case.currency) for entry in shown],
        "attempts": [_attempt(attempt) for attempt in _attempts(case)],
        "messages_sent": _messages(case),
        "links": _links(case),
        "tasks": case.tasks.order_by("done_at", "-id")[:LONGEST_LIST],
        "verbs": [verb for verb in VERBS.values() if may_operate and not verb.why_not(case)],
        "may_operate": may_operate,
        "once": secrets.token_hex(8),
        **customer_page.actions(case.customer, at=at),
    }


def _timeline(case: RecoveryCase) -> QuerySet[TimelineEntry]:
    return case.timeline.order_by("-at", "-id")


def _entry(entry: TimelineEntry, *, currency: str) -> dict[str, Any]:
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
        "summary": _summary(entry, currency=currency),
        "rule": entry.rule,
        "source": entry.source,
        "written": words.where_written(entry.source),
        "alternatives": _alternatives(entry.facts),
        "facts": _flat(
            {name: fact for name, fact in entry.facts.items() if name not in ALTERNATIVES}
        ),
        "tone": tone,
        "is_against": tone == "against",
    }


def _summary(entry: TimelineEntry, *, currency: str) -> str:
    """As it was kept; money that went back is written as on the rest of the page."""
    amount = entry.facts.get("amount")
    if entry.kind != Kind.REFUND or not isinstance(amount, int):
        return entry.summary
    return f"{words.money(amount, currency)} of the payment went back in all."


# What else could have been decided, apart from what it was decided from.
ALTERNATIVES = ("alternatives", "passed_over", "moves")


def _alternatives(facts: Mapping[str, Any]) -> list[str]:
    """What else stood against it, or was looked at and not taken: a line each."""
    found = (item for name in ALTERNATIVES for item in facts.get(name) or [])
    return [_line(item) for item in found]


def _flat(facts: Mapping[str, Any], *, within: str = "") -> list[tuple[str, str]]:
    """Each fact by itself, raw."""
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
    refunded = min(case.amount_refunded, case.amount_recovered)
    if not refunded:
        return back
    return f"{back}, of which {words.money(refunded, case.currency)} went back again"


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
