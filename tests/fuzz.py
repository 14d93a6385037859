"""python -m tests.fuzz [factor] [target …]: whatever comes in from outside, tried with a hundred
times as many examples as in the suite, or as told; all of it, or the targets that are named. Then
how many of each and how long it took.

All that reads what anybody may send: malformed webhooks; Stripe's signatures, events and objects;
tokens of links; merchants' templates; X-Forwarded-For as a client's address; the API against its
own description.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.examples import FACTOR
from tests.suite import postgresql, run_pytest

TIMES = 100


@dataclass(frozen=True)
class Target:
    """A property by its name and in words, the tests that try it, and with how many examples each
    in the suite."""

    name: str
    property: str
    tests: str
    few: int


LIVE = "tests/recovery/api/description/test_live.py"
TARGETS = (
    Target(
        "webhooks",
        "webhooks that are malformed: a 4xx, no row",
        "tests/recover_project/test_malformed_webhooks.py", 1_000,
    ),
    Target(
        "signatures",
        "Stripe's signature: believed if it is Stripe's, else refused",
        "tests/recovery/test_signatures.py::test_nothing_that_is_sent_raises_anything_else", 100,
    ),
    Target(
        "events",
        "Stripe's events: read, or refused",
        "tests/recovery/test_stripe_events.py::test_nothing_that_is_signed_raises_anything_else",
        100,
    ),
    Target(
        "objects",
        "Stripe's objects: read, or refused",
        "tests/recovery/test_stripe_objects.py"
        "::test_nothing_but_an_amount_larger_than_any_is_refused", 100,
    ),
    Target(
        "tokens",
        "tokens of links: ours, or forged",
        "tests/billing_portal/test_tokens.py::test_nothing_else_is_ever_raised", 100,
    ),
    Target(
        "templates",
        "merchants' templates: filled in, or refused",
        "tests/dunning/wording/test_template_language.py"
        "::test_whatever_is_written_is_filled_in_or_refused", 600,
    ),
    Target(
        "addresses",
        "X-Forwarded-For: no claim makes a client another",
        "tests/recovery/limits/test_client_address.py"
        "::test_nothing_that_a_client_claims_makes_it_another", 100,
    ),
    Target(
        "api",
        "the API: every answer is one that the description has",
        f"{LIVE}::test_every_answer_is_one_that_the_description_has", 8,
    ),
)  # fmt: skip


def main(arguments: list[str]) -> int:
    if (asked := _asked(arguments)) is None:
        print(__doc__)
        print("Targets:", *(target.name for target in TARGETS))
        return 2
    times, targets = asked
    with tempfile.TemporaryDirectory(prefix="recover-fuzz-") as folder, postgresql() as url:
        told = Path(folder) / "told.xml"
        tried = ["-q", "--timeout", "0", f"--junitxml={told}", *(one.tests for one in targets)]
        code = run_pytest(tried, DATABASE_URL=url, **{FACTOR: str(times)})
        print(f"\n{'What':<62}{'Examples':>10}{'Seconds':>9}  Result")
        for line in _table(told, times, targets):
            print(line)
    return code


def _asked(arguments: Sequence[str]) -> tuple[int, Sequence[Target]] | None:
    """How many times as many examples, of which targets; None where that isn't said right."""
    factors = [int(given) for given in arguments if given.isdecimal()]
    names = {given for given in arguments if not given.isdecimal()}
    if len(factors) > 1 or 0 in factors or names - {target.name for target in TARGETS}:
        return None
    targets = [target for target in TARGETS if not names or target.name in names]
    return (factors[0] if factors else TIMES), targets


def _table(told: Path, times: int, targets: Iterable[Target]) -> Iterator[str]:
    """Of tests that there are several of, the examples and seconds of all together."""
    cases: dict[str, list[ElementTree.Element]] = defaultdict(list)
    for case in ElementTree.parse(told).iter("testcase"):
        name = case.get("name", "").partition("[")[0]
        cases[f"{case.get('classname', '').replace('.', '/')}.py::{name}"].append(case)
    for target in targets:
        tried = [case for test, some in cases.items() if test.startswith(target.tests)
                 for case in some]  # fmt: skip
        took = sum(float(case.get("time", 0)) for case in tried)
        is_fine = tried and not any(case.find(bad) is not None for case in tried
                                    for bad in ("failure", "error", "skipped"))  # fmt: skip
        tries = target.few * times * len(tried)
        yield f"{target.property:<62}{tries:>10,}{took:>9.0f}  {'fine' if is_fine else 'NOT FINE'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
