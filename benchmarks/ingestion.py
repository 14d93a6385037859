"""Stripe's events at the door: how many a second are taken in and stored, and how long Stripe
waits, against a bare view and against dj-stripe's."""

import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import psycopg

from benchmarks import events, load
from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import ROOT, Server, beside, redis, served, web

EVENTS = 2_000  # a turn
CONNECTIONS = 16
SECONDS, ROUNDS = 5, 5  # at half the load
LEAST_OF_BARE, LEAST_OF_DJ_STRIPE = 1.2, 4.5
MOST_OF_MEDIAN = 5
DJ_STRIPE = ROOT / ".tools" / "dj-stripe"
SITE = ROOT / "benchmarks" / "dj_stripe_site"


def run() -> list[Comparison | Fact]:
    secret = f"whsec_{secrets.token_urlsafe(24)}"
    with ExitStack() as stack:
        ours = stack.enter_context(served(REDIS_URL=stack.enter_context(redis())))
        bare, dj_stripe = _bare(ours, secret), _dj_stripe(ours)
        for site in (bare, dj_stripe):
            stack.enter_context(web(site))
        path = ours.python("-m", "benchmarks.open_door", secret).strip()
        theirs = dj_stripe.python("-m", "benchmarks.dj_stripe_site.open_door", secret).strip()
        product = partial(_rate, ours, path, secret, "recovery_stripeevent")
        yardstick = partial(_rate, bare, "/webhook", secret, "bare_event")
        other = partial(_rate, dj_stripe, theirs, secret, "djstripe_webhookeventtrigger")
        taken, by_bare = by_turns(product, yardstick)
        taken_again, by_dj_stripe = by_turns(product, other)
        _grow_up(ours)
        tails = [
            (_tail(ours, path, secret, taken / 2), _tail(bare, "/webhook", secret, by_bare / 2))
            for _round in range(ROUNDS)
        ]
    return [
        Comparison(
            "events stored, against a bare view", "a second", taken, by_bare,
            at_least=LEAST_OF_BARE,
        ),
        Comparison(
            "events stored, against dj-stripe", "a second", taken_again, by_dj_stripe,
            at_least=LEAST_OF_DJ_STRIPE,
        ),
        _of_tails(
            "the longest of a hundred waits at half of that, against the median",
            [tail for tail, _bare in tails], at_most=MOST_OF_MEDIAN,
        ),
        _of_tails("the same of the bare view", [tail for _ours, tail in tails]),
    ]  # fmt: skip


def _of_tails(
    what: str, tails: Sequence[tuple[float, float]], *, at_most: float | None = None
) -> Comparison:
    longest, middle = (median(values) * 1000 for values in zip(*tails, strict=True))
    return Comparison(what, "ms", longest, middle, at_most=at_most, digits=1)


def _bare(ours: Server, secret: str) -> Server:
    with psycopg.connect(ours.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bare_event (id bigserial PRIMARY KEY, body jsonb NOT NULL)"
        )
    return beside(
        ours, "benchmarks.bare_site.wsgi:application", BENCH_SECRET=secret,
        DJANGO_SETTINGS_MODULE="benchmarks.bare_site.settings",
    )  # fmt: skip


def _dj_stripe(ours: Server) -> Server:
    """In a schema of its own: its tables of Django's are not ours."""
    interpreter = DJ_STRIPE / "bin" / "python"
    uv = str(Path(sys.executable).parent / "uv")
    for command in (
        ["venv", "--quiet", "--allow-existing", "--python", sys.executable, str(DJ_STRIPE)],
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(interpreter),
         str(SITE / "requirements.txt")],
    ):  # fmt: skip
        subprocess.run([uv, *command], cwd=ROOT, check=True)
    with psycopg.connect(ours.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE SCHEMA dj_stripe")
    site = beside(
        ours, "benchmarks.dj_stripe_site.wsgi:application", str(interpreter),
        DJANGO_SETTINGS_MODULE="benchmarks.dj_stripe_site.settings",
        PGOPTIONS="-c search_path=dj_stripe",
    )  # fmt: skip
    site.python("-m", "django", "migrate", "--no-input", "--verbosity", "0")
    return site


def _rate(site: Server, path: str, secret: str, table: str) -> float:
    """A second; raises RuntimeError where not every one of them is a row afterwards."""
    requests = events.signed(EVENTS, path=path, secret=secret)
    rows = partial(_rows, site, table)
    return _counted(
        rows, partial(load.per_second, port=site.port, requests=requests, connections=CONNECTIONS)
    )


def _grow_up(site: Server) -> None:
    """Until its first checkpoints a PostgreSQL makes a file of its log for every 16 MB, which
    everybody waits for; from then on it takes those that it has
    (postgresql.org/docs/current/wal-configuration.html)."""
    with psycopg.connect(site.environment["DATABASE_URL"], autocommit=True) as connection:
        for _checkpoint in range(2):
            connection.execute("CHECKPOINT")


def _tail(site: Server, path: str, secret: str, per_second: float) -> tuple[float, float]:
    """The longest of a hundred waits, and the one in their middle, in seconds."""
    requests = events.signed(int(per_second * SECONDS), path=path, secret=secret)
    waits = load.waits(
        port=site.port, requests=requests, per_second=per_second, connections=CONNECTIONS
    )
    return quantiles(waits, n=100)[98], median(waits)


def _counted(rows: Callable[[], int], ask: Callable[[], float]) -> float:
    before = rows()
    rate = ask()
    if (stored := rows() - before) != EVENTS:
        raise RuntimeError(f"Of {EVENTS} events that were acknowledged {stored} are stored.")
    return rate


def _rows(site: Server, table: str) -> int:
    options = site.environment.get("PGOPTIONS", "")
    with psycopg.connect(site.environment["DATABASE_URL"], options=options) as connection:
        [number] = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or [0]  # noqa: S608 - a name of ours
    return int(number)
