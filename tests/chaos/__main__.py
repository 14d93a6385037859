"""python -m tests.chaos [name …], run by `python3 dev.py chaos`: all the proofs, or those named.

The environment makes them longer: CHAOS_EVENTS, CHAOS_ROUNDS (of all kinds of faults),
CHAOS_ORDERS, CHAOS_STEP (1: every boundary), CHAOS_SEED.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping

from benchmarks.measuring import machine
from tests.chaos import deliveries, history, in_turn, permutations, state
from tests.chaos.faults import Faults
from tests.chaos.proof import Outcome, carry_out

EVENTS, ORDERS, STEP, SEED = 2_000, 1_000, 5, 1
WITHIN = 60  # seconds after the last fault
MERCHANTS = len(history.MERCHANTS)
SHOWN = 5
EVENTS_OF_A_ROUND = 2_000  # in which each kind of fault is made once, unless CHAOS_ROUNDS is told


def kills() -> bool:
    """The same history undisturbed and with faults."""
    seed = _told("SEED", SEED)
    made = history.make(
        seed=seed, events=_told("EVENTS", EVENTS), begins_at=_some_days_ago(), merchants=MERCHANTS
    )
    print(f"{len(made.events):,} events of {len(made.debts):,} debts, {MERCHANTS} merchants")
    calm = carry_out(made, deliveries.in_order(made.events))
    _row("undisturbed", f"{calm.seconds:,.0f} s", calm.is_whole)
    for line in rows(calm):
        if not line[2]:
            _row(f"undisturbed: {line[0]}", *line[1:])
    rounds = _told("ROUNDS", max(1, len(made.events) // EVENTS_OF_A_ROUND))
    wild = carry_out(made, deliveries.disturbed(made.events, seed=seed), Faults(seed, rounds))
    for line in rows(wild):
        _row(*line)
    differing = state.differences(calm.state, wild.state)
    _row("cases that differ from the undisturbed run",
         f"{len(differing)} of {len(calm.state):,}", not differing)  # fmt: skip
    _row("hash of the state", state.digest(wild.state)[:16], not differing)
    print("\n".join(differing[:SHOWN]))
    return calm.is_whole and wild.is_whole and not differing


def rows(outcome: Outcome) -> list[tuple[str, str, bool]]:
    """What, how much, and whether that is as it should be."""
    last = max(outcome.waits.values(), default=0)
    return [
        ("faults", f"{sum(outcome.faults.values())} of {len(outcome.faults)} kinds", True),
        ("deliveries", f"{outcome.deliveries:,}, {outcome.refused:,} had to come again", True),
        *(
            (check.promise, f"{check.broken} of {check.looked_at:,} not: "
             f"{', '.join(check.examples)}" if check.broken
             else f"all {check.looked_at:,}", not check.broken)
            for check in outcome.checks
        ),
        ("mails that may or may not have gone", f"{outcome.unknown:,}", True),
        *((f"until there were no more {what}", f"{seconds:.0f} s", seconds <= WITHIN)
          for what, seconds in outcome.waits.items()),
        ("until nothing was left to do", f"{last:.0f} s", last <= WITHIN),
        ("left undone", str(outcome.undone or "nothing"), not outcome.undone),
        ("all in all", f"{outcome.seconds:,.0f} s", True),
    ]  # fmt: skip


def turns() -> bool:
    """A process dies at each boundary in turn."""
    step = _told("STEP", STEP)
    found = in_turn.run(step=step, begins_at=_some_days_ago())
    _row("boundaries of the history", f"{found.boundaries:,}", True)
    _row("times that the process died", f"{found.turns:,}, at each {step}.", bool(found.turns))
    _row("states that differ, promises broken", str(len(found.wrong)), not found.wrong)
    _row("all in all", f"{found.seconds:,.0f} s", True)
    print("\n".join(found.wrong[:SHOWN]))
    return bool(found.turns) and not found.wrong


def orders() -> bool:
    """Random orders of events, with duplicates."""
    begun = time.monotonic()
    found = permutations.on_every_core(count=_told("ORDERS", ORDERS), seed=_told("SEED", SEED))
    _row("orders told", f"{found.orders:,} of {found.histories:,} histories", True)
    _row("events told", f"{found.events:,}", True)
    _row("orders that left another state", str(found.differing), not found.differing)
    _row("all in all", f"{time.monotonic() - begun:,.0f} s", True)
    return not found.differing


PROOFS: Mapping[str, Callable[[], bool]] = {"orders": orders, "turns": turns, "kills": kills}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        print(f"There is no proof {unknown[0]}. There are: {', '.join(PROOFS)}.")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(f"{machine()}, seed {_told('SEED', SEED)}", flush=True)
    have_held = True
    for name in names or PROOFS:
        print(f"\n{name}: {PROOFS[name].__doc__}\n| What | Found | |\n|---|---|---|", flush=True)
        have_held &= PROOFS[name]()
    return int(not have_held)


def _row(what: str, found: str, is_fine: bool) -> None:
    print(f"| {what} | {found} | {'' if is_fine else 'missed'} |", flush=True)


def _told(name: str, otherwise: int) -> int:
    return int(os.environ.get(f"CHAOS_{name}", otherwise))


def _some_days_ago() -> int:
    """Unix time, a whole hour: in the same hour a seed makes the same history."""
    return (int(time.time()) - history.AGE) // 3600 * 3600


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
