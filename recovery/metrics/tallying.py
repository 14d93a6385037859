"""The tally of cases on PostgreSQL: kept by the database itself, put together here.

A change of a case leaves what it was as a minus and what it is as a plus, in its own transaction
(migration 0023), so sums over the tally are exact at any moment. Put together by day and kind
they are as few for a million cases as for a thousand.
"""

from datetime import date

from django.db import connection, transaction
from django.db.models import F

from recovery.batches import apart
from recovery.days import start_of
from recovery.metrics.definitions import What
from recovery.models import Merchant, Tally

FACTS = (
    "placed_by", "livemode", "status", "decline_type", "decline_code", "mechanism", "currency",
)  # fmt: skip
MEASURES = tuple(map(str, What))
KIND, COLUMNS = ", ".join(FACTS), ", ".join((*FACTS, "at", *MEASURES))
DAY = "(at AT TIME ZONE %(zone)s)::date"
SUMS = ", ".join(f"sum({measure})" for measure in MEASURES)
BY_DAY = f"GROUP BY {KIND}, {DAY} HAVING ({SUMS}) <> ({', '.join('0' for _ in MEASURES)})"
SAME_KIND = " AND ".join(f"tally.{fact} = touched.{fact}" for fact in FACTS)
# ruff: disable[S608] - put together of names alone
# Put in by their days: those of a month lie together, and are read together.
DAYS = f"""
INSERT INTO recovery_tally (merchant_id, is_of_day, {COLUMNS})
SELECT %(merchant)s, true, {KIND}, min(at), {SUMS} FROM found {BY_DAY} ORDER BY min(at)
"""
# What came since, with what there is already of the same days and kinds: the time is bounded so
# that each day is found by the index; two hours are more than any clock is turned.
LOOSE = f"""
WITH touched AS (
  SELECT DISTINCT {KIND}, {DAY} AS day FROM recovery_tally
  WHERE merchant_id = %(merchant)s AND NOT is_of_day
), found AS (
  DELETE FROM recovery_tally AS tally USING touched
  WHERE merchant_id = %(merchant)s AND {SAME_KIND} AND {DAY} = touched.day
    AND at >= touched.day::timestamp AT TIME ZONE %(zone)s - interval '2 hours'
    AND at < (touched.day + 1)::timestamp AT TIME ZONE %(zone)s + interval '2 hours'
  RETURNING tally.*
) {DAYS}
"""
# In one statement, so that it is of one moment: what is changed meanwhile comes loose on top.
EVERY_CASE = f"""
WITH gone AS (
  DELETE FROM recovery_tally WHERE merchant_id = %(merchant)s
), found AS (
  SELECT tallies.* FROM recovery_recoverycase AS cases, recovery_tallies_of(cases, 1) AS tallies
  WHERE cases.merchant_id = %(merchant)s
) {DAYS}
"""
# Of each day and kind, the tally less the cases is nothing.
MISCOUNTED = f"""
WITH less AS (
  SELECT tallies.* FROM recovery_recoverycase AS cases, recovery_tallies_of(cases, -1) AS tallies
  WHERE cases.merchant_id = %(merchant)s
    AND greatest(cases.opened_at, cases.closed_at, cases.failed_at) >= %(since)s
), found AS (
  SELECT {COLUMNS} FROM recovery_tally WHERE merchant_id = %(merchant)s AND at >= %(since)s
  UNION ALL SELECT {COLUMNS} FROM less WHERE at >= %(since)s
)
SELECT count(*) FROM (SELECT FROM found {BY_DAY}) AS days
"""
# ruff: enable[S608]


def keep() -> None:
    """Put together what came loose; tally merchants anew whose days are others now."""
    if not is_possible():
        return
    for merchant in Merchant.objects.exclude(tallied_in=F("time_zone")):
        with apart(f"The tally of {merchant.public_id}"):
            count(merchant)
    loose = Tally.objects.filter(is_of_day=False).order_by().values("merchant").distinct()
    for merchant in Merchant.objects.filter(pk__in=loose).exclude(tallied_in=""):
        with apart(f"The tally of {merchant.public_id}"):
            put_together(merchant)


@transaction.atomic
def count(merchant: Merchant) -> None:
    """Tally all the merchant's cases, whatever there was."""
    if _is_ours(merchant):
        _run(EVERY_CASE, merchant, zone=merchant.time_zone)
        Merchant.objects.filter(pk=merchant.pk).update(tallied_in=merchant.time_zone)


@transaction.atomic
def put_together(merchant: Merchant) -> None:
    if _is_ours(merchant):
        known = Merchant.objects.get(pk=merchant.pk)  # as the last one left it
        _run(LOOSE, known, zone=known.tallied_in)


def miscounted(merchant: Merchant, *, since: date) -> int:
    """In how many days and kinds the tally doesn't tell what the cases tell: none, or somebody
    got past the database's own rules."""
    if not is_kept(merchant):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            MISCOUNTED,
            {
                "merchant": merchant.pk,
                "zone": merchant.time_zone,
                "since": start_of(since, merchant.zone),
            },
        )
        [number] = cursor.fetchone() or [0]
    return int(number)


def is_possible() -> bool:
    """SQLite is for trying out: there, figures read the cases."""
    return connection.vendor == "postgresql"


def is_kept(merchant: Merchant) -> bool:
    """A tally by the days of another time zone is none."""
    return is_possible() and merchant.tallied_in == merchant.time_zone


def _is_ours(merchant: Merchant) -> bool:
    """Until the transaction ends; False where another worker is at it."""
    with connection.cursor() as cursor:
        name = f"tally of {merchant.pk}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone() == (True,))


def _run(statement: str, merchant: Merchant, *, zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"merchant": merchant.pk, "zone": zone})
