"""Whether anything is still to be done, asked of the rows."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Ask = Callable[[str], list[tuple[Any, ...]]]
SOON = "now() + interval '1 hour'"

UNDONE: Mapping[str, str] = MappingProxyType(
    {
        "events": "SELECT count(*) FROM recovery_stripeevent WHERE state = 'pending'",
        "cases to ask Stripe about": """
            SELECT count(*) FROM recovery_recoverycase WHERE enrich_at IS NOT NULL
        """,
        "cases to take up": """
            SELECT count(*) FROM recovery_recoverycase
             WHERE status = 'open' AND NOT is_taken_up AND NOT is_paused
        """,
        "steps": f"""
            SELECT count(*) FROM dunning_dunningrun WHERE state = 'live' AND due_at < {SOON}
        """,
        "words to Stripe": """
            SELECT count(*) FROM dunning_dunningrun WHERE tell_stripe_at IS NOT NULL
        """,
        "charges": f"""
            SELECT count(*) FROM dunning_dunningretry WHERE state = 'due' AND due_at < {SOON}
        """,
        "charges without an answer": """
            SELECT count(*) FROM recovery_paymentattempt WHERE state = 'claimed'
        """,
        "mails": """
            SELECT count(*) FROM dunning_dunningmessage WHERE state = 'queued'
        """,
        "mails being sent": """
            SELECT count(*) FROM dunning_dunningmessage WHERE state = 'sending'
        """,
        "runs of closed cases": """
            SELECT count(*) FROM dunning_dunningrun r
              JOIN recovery_recoverycase c ON c.id = r.case_id
             WHERE r.state = 'live' AND c.status <> 'open'
        """,
    }
)  # fmt: skip


def undone(ask: Ask) -> dict[str, int]:
    """How much of each kind; nothing where nothing is."""
    [counted] = ask(f"SELECT {', '.join(f'({question})' for question in UNDONE.values())}")
    return {what: number for what, number in zip(UNDONE, counted, strict=True) if number}
