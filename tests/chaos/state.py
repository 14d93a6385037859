"""What a history leaves behind, but for what may differ: our own ids and clock.

A mail that may or may not have gone counts as one that went: nobody sends it again. How far
dunning came with a debt before it closed depends on who was quicker, so only open debts' mails,
runs and who asks for their money are compared.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from typing import Any

Ask = Callable[[str], list[tuple[Any, ...]]]

CASES = """
SELECT c.id, m.name, c.stripe_invoice_id, c.stripe_payment_intent_id, c.livemode, c.status,
       c.reason, c.mechanism, c.amount, c.amount_recovered, c.amount_refunded, c.currency,
       c.decline_type, c.decline_code, c.attempt_count,
       CASE c.status WHEN 'open' THEN c.retry_driver END, c.is_paused,
       c.failed_at, u.email
  FROM recovery_recoverycase c JOIN recovery_merchant m ON m.id = c.merchant_id
  LEFT JOIN recovery_customer u ON u.id = c.customer_id
 ORDER BY 2, 3, 4
"""
ATTEMPTS = """
SELECT case_id, trigger, state, stripe_charge_id, payment_method_id, decline_code, amount, currency
  FROM recovery_paymentattempt ORDER BY 1, 2, 3, 4
"""
MESSAGES = """
SELECT g.case_id, s.position, s.template,
       CASE g.state WHEN 'unknown' THEN 'sent' ELSE g.state END, g.recipient
  FROM dunning_dunningmessage g JOIN dunning_dunningstep s ON s.id = g.step_id
  JOIN recovery_recoverycase c ON c.id = g.case_id WHERE c.status = 'open' ORDER BY 1, 2
"""
RUNS = """
SELECT r.case_id, p.name, r.state, r.next_position
  FROM dunning_dunningrun r JOIN dunning_dunningcampaign p ON p.id = r.campaign_id
  JOIN recovery_recoverycase c ON c.id = r.case_id WHERE c.status = 'open' ORDER BY 1, 2
"""

State = dict[str, list[Any]]


def read(ask: Ask, *, unasked: Collection[str] = ()) -> State:
    """For each case, named by its debt: its facts, its attempts, its mails and its runs.

    `unasked`: names of merchants for whom Stripe can't be asked. Which campaign takes up their
    cases depends on what events had told by then, so their mails and runs are left out.
    """
    names, silent = {}, set()
    state: State = {}
    for id_, *facts in ask(CASES):
        names[id_] = name = "/".join(filter(None, facts[:3]))
        state[name] = [facts]
        silent |= {id_} if facts[0] in unasked else set()
    for what, question in (("attempts", ATTEMPTS), ("messages", MESSAGES), ("runs", RUNS)):
        belonging: dict[str, list[Any]] = {}
        for case_id, *facts in ask(question):
            if what == "attempts" or case_id not in silent:
                belonging.setdefault(names[case_id], []).append([str(fact) for fact in facts])
        for name, kept in state.items():
            kept.append([what, *sorted(belonging.get(name, []))])
    return state


def digest(state: State) -> str:
    """Of the whole state, in hexadecimal."""
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()


def differences(expected: State, found: State) -> list[str]:
    """What differs, in a line for each case."""
    return [
        f"{name}: {expected.get(name)} became {found.get(name)}"
        for name in sorted(expected.keys() | found.keys())
        if json.dumps(expected.get(name), default=str) != json.dumps(found.get(name), default=str)
    ]
