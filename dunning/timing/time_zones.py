"""The time zone of an address at Stripe.

A country with one zone has that of CLDR (through Babel). `data/time_zones.csv` adds what CLDR
doesn't say. Its rows without a state are the zone where most people of the country live, after
CLDR's primary zones and the order of the tz database's zone.tab, and codes that Stripe takes but
CLDR gives no zone (AC, TA, XK). Its rows with a state are ISO 3166-2's codes and the names people
write, by the comments of zone1970.tab; a state with two zones has that of most of its people.
"""

import csv
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel.core import get_global

TABLE = Path(__file__).parent.parent / "data" / "time_zones.csv"
# Words of a state's name that some write and some leave out.
OPTIONAL = frozenset({"state", "of", "province", "region", "oblast", "krai", "republic"})


def _folded(state: str) -> str:
    """A state as the table's key: without case, accents, punctuation and optional words."""
    plain = unicodedata.normalize("NFKD", state.replace(".", "")).casefold()
    letters = "".join(
        letter if letter.isalnum() else " "
        for letter in plain
        if not unicodedata.combining(letter)
    )
    return " ".join(word for word in letters.split() if word not in OPTIONAL)


def _read() -> Mapping[tuple[str, str], str]:
    zones: dict[tuple[str, str], str] = {
        (country, ""): only[0]
        for country, only in get_global("territory_zones").items()
        if len(only) == 1
    }
    with TABLE.open(newline="") as lines:
        for row in csv.DictReader(lines):
            for state in (row["code"], *row["names"].split("|")):
                zones[row["country"], _folded(state)] = row["zone"]
    return MappingProxyType(zones)


ZONES = _read()


def is_country(country: str) -> bool:
    """Whether this is an ISO 3166 alpha-2 code, in upper case, of a country with a clock."""
    return (country, "") in ZONES


def zone_of(country: str, state: str) -> ZoneInfo | None:
    """The zone of an address, None where the country is unknown.

    `country` is an ISO 3166 alpha-2 code in any case; `state` is what Stripe has: a code ("NY",
    "US-NY"), a name or anything else, which then counts for nothing.
    """
    country = country.strip().upper()
    if not is_country(country):
        return None
    state = _folded(state).removeprefix(f"{country.lower()} ")
    return ZoneInfo(ZONES.get((country, state)) or ZONES[country, ""])
