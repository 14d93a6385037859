"""Made-up customers: their names, addresses that nobody has, and what they read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    locale: str
    country: str
    currency: str


@dataclass(frozen=True, slots=True)
class Land:
    """`first` and `last` are pairs of a name and how an address has it. `share` is of 100."""

    share: int
    locale: str
    countries: tuple[str, ...]
    currency: str
    first: Sequence[tuple[str, str]]
    last: Sequence[tuple[str, str]]
    order: str


def _same(names: str) -> list[tuple[str, str]]:
    return [(name, name.lower().translate(UMLAUTS)) for name in names.split()]


UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
LANDS = (
    Land(
        72, "en", ("US", "US", "US", "CA", "GB"), "usd",
        _same(
            "Amelia Noah Olivia Ethan Grace Liam Ruth Owen Nora Caleb Hazel Miles Ivy Jonah Clara "
            "Theo Ada Simon Priya Marcus Elena Andre Leah Victor Joan Samuel Tessa Dylan"
        ),
        _same(
            "Bennett Carver Dalton Ellis Foster Grant Hayes Ingram Jensen Keller Lawson Mercer "
            "Nolan Okafor Parker Quinn Reyes Shah Turner Vance Walsh Young Abbott Brooks Castillo"
        ),
        "{first} {last}",
    ),
    Land(
        18, "de", ("DE", "DE", "AT"), "eur",
        _same("Anna Jonas Lena Felix Sophie Lukas Marie Jürgen Karin Stefan Ute Matthias Nils"),
        _same("Vogel Schäfer Brandt Kühn Winter Seidel Böhm Arnold Hartmann Roth Groß"),
        "{first} {last}",
    ),
    Land(
        10, "ja", ("JP",), "jpy",
        [("陽子", "yoko"), ("健太", "kenta"), ("美咲", "misaki"), ("翔", "sho"), ("結衣", "yui"),
         ("大輔", "daisuke"), ("直美", "naomi"), ("拓也", "takuya")],
        [("佐藤", "sato"), ("鈴木", "suzuki"), ("高橋", "takahashi"), ("田中", "tanaka"),
         ("伊藤", "ito"), ("山本", "yamamoto"), ("中村", "nakamura"), ("小林", "kobayashi")],
        "{last} {first}",
    ),
)  # fmt: skip
DOMAINS = ("example.com", "example.org")
# What they pay a month or a year, in minor units, with how often.
PRICES: Mapping[str, Mapping[int, int]] = MappingProxyType(
    {
        "usd": {1900: 30, 2900: 34, 4900: 20, 9900: 10, 29000: 4, 49000: 2},
        "eur": {1900: 34, 2900: 36, 4900: 18, 9900: 10, 29000: 2},
        "jpy": {2800: 40, 4200: 34, 7200: 20, 14800: 6},
    }
)


def strangers(random: Random) -> Iterator[Person]:
    """Different people, as many as there are names for."""
    pairs = {
        land.locale: [(first, last) for first in land.first for last in land.last]
        for land in LANDS
    }
    for people in pairs.values():
        random.shuffle(people)
    while True:
        land = random.choices(LANDS, [land.share for land in LANDS])[0]
        if not pairs[land.locale]:
            continue
        (first, first_plain), (last, last_plain) = pairs[land.locale].pop()
        yield Person(
            name=land.order.format(first=first, last=last),
            email=f"{first_plain}.{last_plain}@{random.choice(DOMAINS)}",
            locale=land.locale,
            country=random.choice(land.countries),
            currency=land.currency,
        )
