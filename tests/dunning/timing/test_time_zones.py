"""Where a customer's clock is, from what Stripe knows of the address."""

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from babel.core import get_global

from dunning.timing.time_zones import TABLE, is_country, zone_of

TERRITORIES: Mapping[str, list[str]] = get_global("territory_zones")
COUNTRIES = sorted(set(TERRITORIES) - {"001", "ZZ"})  # the world and the unknown territory
with TABLE.open(newline="") as lines:
    ROWS = list(csv.DictReader(lines))


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_country_has_one_of_its_own_zones(country: str) -> None:
    zone = zone_of(country, "")
    assert zone
    assert zone.key in TERRITORIES[country]
    assert zone_of(country.lower(), "no such state") == zone


@pytest.mark.parametrize("nowhere", ["", "001", "ZZ", "XX", "UK", "USA", "Germany"])
def test_what_is_no_country_has_no_zone(nowhere: str) -> None:
    assert zone_of(nowhere, "NY") is None
    assert not is_country(nowhere)


@pytest.mark.parametrize(
    ("country", "state", "zone"),
    [
        # most people of the country
        ("US", "", "America/New_York"),
        ("CA", "", "America/Toronto"),
        ("AU", "", "Australia/Sydney"),
        ("BR", "", "America/Sao_Paulo"),
        ("MX", "", "America/Mexico_City"),
        ("RU", "", "Europe/Moscow"),
        ("ID", "", "Asia/Jakarta"),
        ("KZ", "", "Asia/Almaty"),
        ("CN", "Xinjiang", "Asia/Shanghai"),
        ("ES", "Madrid", "Europe/Madrid"),
        ("DE", "BY", "Europe/Berlin"),
        ("IN", "KA", "Asia/Kolkata"),
        # a state's code, as Stripe's forms and ISO 3166-2 have it
        ("US", "CA", "America/Los_Angeles"),
        ("us", "us-ca", "America/Los_Angeles"),
        ("US", "TX", "America/Chicago"),
        ("US", "AZ", "America/Phoenix"),
        ("US", "PR", "America/Puerto_Rico"),
        ("CA", "NL", "America/St_Johns"),
        ("CA", "CA-BC", "America/Vancouver"),
        ("AU", "WA", "Australia/Perth"),
        ("BR", "AC", "America/Rio_Branco"),
        ("MX", "B.C.", "America/Tijuana"),
        ("MN", "043", "Asia/Hovd"),
        # or its name, as people write it
        ("US", " new  york ", "America/New_York"),
        ("US", "State of Hawaii", "Pacific/Honolulu"),
        ("US", "Washington", "America/Los_Angeles"),
        ("US", "Washington, D.C.", "America/New_York"),
        ("CA", "Québec", "America/Toronto"),
        ("CA", "Nouvelle-Ecosse", "America/Halifax"),
        ("AU", "Northern Territory", "Australia/Darwin"),
        ("BR", "ceara", "America/Fortaleza"),
        ("MX", "Baja California Sur", "America/Mazatlan"),
        ("RU", "Sverdlovsk oblast", "Asia/Yekaterinburg"),
        ("RU", "Altai Krai", "Asia/Barnaul"),
        ("ID", "Bali", "Asia/Makassar"),
        ("ES", "Canarias", "Atlantic/Canary"),
        ("PT", "Açores", "Atlantic/Azores"),
        ("NZ", "Chatham Islands", "Pacific/Chatham"),
        # the same letters are another state in another country
        ("CA", "WA", "America/Toronto"),
        ("AU", "SA", "Australia/Adelaide"),
        ("ID", "SA", "Asia/Makassar"),
        ("RU", "SA", "Asia/Yakutsk"),
        # what Stripe takes for a country and CLDR gives no zone
        ("XK", "", "Europe/Belgrade"),
        ("AC", "", "Atlantic/St_Helena"),
    ],
)
def test_the_zone_of_an_address(country: str, state: str, zone: str) -> None:
    assert zone_of(country, state) == ZoneInfo(zone)


def test_the_table_names_zones_that_exist_and_no_state_twice() -> None:
    assert {row["zone"] for row in ROWS} <= available_timezones()
    keys = [
        (row["country"], state)
        for row in ROWS
        for state in (row["code"], *row["names"].split("|"))
    ]
    named = [key for key in keys if key[1]]
    assert len(named) == len(set(named))


@pytest.mark.parametrize(("country", "states"), [("US", 56), ("CA", 13), ("AU", 8), ("BR", 27)])
def test_all_states_are_in_the_table(country: str, states: int) -> None:
    assert len([row for row in ROWS if row["country"] == country and row["code"]]) == states


def test_countries_with_several_clocks_say_where_most_people_live() -> None:
    january, july = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)

    def clock(zone: str) -> tuple[object, ...]:
        return tuple(at.astimezone(ZoneInfo(zone)).utcoffset() for at in (january, july))

    several = {
        country for country in COUNTRIES if len({clock(zone) for zone in TERRITORIES[country]}) > 1
    }
    assert several <= {row["country"] for row in ROWS if not row["code"]}
    assert {"US", "RU", "AU", "CL", "PT"} <= several
