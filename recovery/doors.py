"""Whose events come through the door, and who may have signed them: known for a moment, because a
merchant whose payments fail by the thousand sends them by the thousand."""

from dataclasses import dataclass, replace
from typing import Self

from recovery.models import Merchant, SigningSecret

LIFETIME = 1.0  # seconds: so long a secret that was taken back is still believed
_known: dict[str, "Door"] = {}  # by the merchant's public id; one for each merchant at most


@dataclass(frozen=True, slots=True)
class Door:
    """As it was at `read_at`, seconds of a clock that only goes on."""

    merchant: Merchant
    secrets: tuple[str, ...]
    read_at: float

    @classmethod
    def of(cls, merchant: Merchant, *, now: float) -> Self:
        rows = SigningSecret.objects.of(merchant).order_by("-id")
        return cls(merchant, tuple(row.secret for row in rows), now)


def named(public_id: str, *, now: float) -> Door | None:
    """The merchant's door, as it was within LIFETIME; None where there is no such merchant. One
    asks the database again when that is over: who comes meanwhile doesn't wait for it."""
    known = _known.get(public_id)
    if known is None:
        return look(public_id, now=now)
    if now - known.read_at < LIFETIME:
        return known
    _known[public_id] = replace(known, read_at=now)
    return look(public_id, now=now)


def look(public_id: str, *, now: float) -> Door | None:
    """The same as it is now: of a secret that is new a moment ago the first event is believed."""
    merchant = Merchant.objects.select_related("stripe").filter(public_id=public_id).first()
    if merchant is None:
        _known.pop(public_id, None)
        return None
    door = Door.of(merchant, now=now)
    _known[public_id] = door
    return door


def only_one(*, now: float) -> Door | None:
    """The door of the only merchant that there is."""
    first_two = list(Merchant.objects.select_related("stripe")[:2])
    return Door.of(first_two[0], now=now) if len(first_two) == 1 else None
