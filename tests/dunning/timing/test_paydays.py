"""When people are paid, country by country."""

import csv
from datetime import date, timedelta

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from dunning.timing.paydays import PAYDAYS, TABLE, next_payday, rule_of, weekend_of
from dunning.timing.time_zones import zone_of

COUNTRIES = sorted(set(get_global("territory_zones")) - {"001", "ZZ"})
IN_A_CENTURY = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("country", "day", "payday"),
    [
        # two fixed days a month
        ("US", date(2026, 10, 2), date(2026, 10, 15)),
        ("US", date(2026, 10, 15), date(2026, 10, 15)),
        ("us", date(2026, 9, 16), date(2026, 10, 1)),
        # one, and over the turn of the year
        ("SE", date(2026, 11, 2), date(2026, 11, 25)),
        ("JP", date(2026, 12, 26), date(2027, 1, 25)),
        # on a weekend the banking day before: Sunday, Saturday
        ("SE", date(2026, 10, 20), date(2026, 10, 23)),
        ("ZA", date(2026, 7, 20), date(2026, 7, 24)),
        # so the 1st, a Sunday, is paid in the month before
        ("US", date(2026, 10, 28), date(2026, 10, 30)),
        ("US", date(2026, 10, 31), date(2026, 11, 13)),
        # or the day after: the 18th is a Sunday, then a Saturday
        ("SI", date(2026, 10, 12), date(2026, 10, 19)),
        ("SI", date(2026, 7, 18), date(2026, 7, 20)),
        # the last banking day of months of 28, 29, 30 and 31 days
        ("DE", date(2027, 2, 1), date(2027, 2, 26)),
        ("DE", date(2028, 2, 1), date(2028, 2, 29)),
        ("DE", date(2028, 2, 29), date(2028, 2, 29)),
        ("DE", date(2026, 9, 1), date(2026, 9, 30)),
        ("DE", date(2026, 10, 31), date(2026, 11, 30)),
        ("DE", date(2026, 12, 31), date(2026, 12, 31)),
        ("FR", date(2026, 2, 2), date(2026, 2, 27)),
        # the 30th, in a month that ends on the 28th or the 29th
        ("RU", date(2027, 2, 16), date(2027, 2, 26)),
        ("RU", date(2028, 2, 16), date(2028, 2, 29)),
        ("MX", date(2028, 2, 16), date(2028, 2, 29)),
        # working days into the month
        ("BR", date(2026, 10, 1), date(2026, 10, 7)),
        ("BR", date(2026, 10, 8), date(2026, 11, 6)),
        ("AR", date(2026, 11, 1), date(2026, 11, 5)),
        ("BE", date(2027, 1, 1), date(2027, 1, 6)),
        # weekends of their own: Friday and Saturday; Sunday alone
        ("SA", date(2026, 2, 20), date(2026, 2, 26)),
        ("SA", date(2026, 9, 20), date(2026, 9, 27)),
        ("IN", date(2026, 11, 1), date(2026, 11, 7)),
        ("IN", date(2027, 2, 1), date(2027, 2, 6)),
        # a country without a row: the 1st and the 15th
        ("NZ", date(2026, 10, 2), date(2026, 10, 15)),
        ("TF", date(2026, 11, 2), date(2026, 11, 13)),
    ],
)
def test_the_next_payday(country: str, day: date, payday: date) -> None:
    assert next_payday(country, day) == payday


@pytest.mark.parametrize("nowhere", ["", "*", "001", "ZZ", "XX", "Sweden"])
def test_nobody_is_paid_in_no_country(nowhere: str) -> None:
    assert next_payday(nowhere, date(2026, 10, 2)) is None
    assert rule_of(nowhere) is None


def test_a_country_without_a_source_says_that_its_rule_is_the_default() -> None:
    rule = rule_of("nz")
    assert rule
    assert (rule.country, rule.words) == ("NZ", "1 15")
    assert rule.source.startswith("default: no source for this country")


def test_every_row_names_a_country_a_rule_and_a_source() -> None:
    with TABLE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    countries = [row["country"] for row in rows]
    assert countries == sorted(set(countries))
    assert all(zone_of(country, "") for country in countries if country != "*")
    assert all(row["source"] for row in rows)
    assert {row["weekend"] for row in rows if row["rule"].startswith("working")} == {""}
    assert {row["weekend"] for row in rows if not row["rule"].startswith("working")} == {
        "before",
        "after",
    }


@pytest.mark.parametrize(
    ("country", "days"),
    [("US", {6, 7}), ("AE", {6, 7}), ("SA", {5, 6}), ("IR", {5}), ("IN", {7}), ("AQ", {6, 7})],
)
def test_weekends_are_the_country_s_own(country: str, days: set[int]) -> None:
    assert weekend_of(country) == days


@given(country=st.sampled_from(COUNTRIES), day=IN_A_CENTURY)
def test_everywhere_payday_is_a_banking_day_within_five_weeks(country: str, day: date) -> None:
    payday = next_payday(country, day)
    assert payday
    assert day <= payday <= day + timedelta(days=35)
    assert payday.isoweekday() not in weekend_of(country)


@given(country=st.sampled_from(sorted(PAYDAYS.keys() - {"*"})), day=IN_A_CENTURY)
def test_no_payday_is_skipped(country: str, day: date) -> None:
    payday = next_payday(country, day)
    assert payday
    assert next_payday(country, payday) == payday
    between = [day + timedelta(days=ahead) for ahead in range((payday - day).days)]
    assert {next_payday(country, earlier) for earlier in between} <= {payday}
