"""One account's objects in one mode, and how they change."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import errors, events
from .accounts_by_key import Account
from .idempotency import Memory
from .shapes import Object

if TYPE_CHECKING:
    from .world import World

Tables = defaultdict[str, dict[str, Object]]


class Realm:
    """Live and test mode of an account never see each other, and neither do two accounts."""

    def __init__(self, world: World, account: Account, livemode: bool) -> None:
        self.world = world
        self.account = account
        self.livemode = livemode
        self.tables: Tables = defaultdict(dict)
        self.memory = Memory()
        self._invoice_numbers = 0

    def now(self) -> int:
        return self.world.time.now()

    def add(self, new: Object) -> Object:
        """Stores an object under its kind, with the fields that nearly every object has."""
        new.setdefault("livemode", self.livemode)
        new.setdefault("created", self.now())
        self.tables[new["object"]][new["id"]] = new
        return new

    def get(self, kind: str, id_: str, *, param: str = "id", status: int = 404) -> Object:
        """The object, or the error that Stripe gives where it is missing or deleted."""
        found = self.find(kind, id_)
        if found is None or found.get("_deleted"):
            raise errors.resource_missing(kind.replace(".", "_"), id_, param=param, status=status)
        return found

    def referred(self, kind: str, id_: str, *, param: str) -> Object:
        """An object that a parameter names: a missing one is a bad request, not a 404."""
        return self.get(kind, id_, param=param, status=400)

    def find(self, kind: str, id_: str | None) -> Object | None:
        return self.tables[kind].get(id_) if id_ else None

    def find_any(self, id_: str) -> Object | None:
        """Whatever object has that id, for `expand`."""
        return next((table[id_] for table in self.tables.values() if id_ in table), None)

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind, oldest first."""
        return [one for one in self.tables[kind].values() if not one.get("_deleted")]

    def emit(self, type_: str, about: Object, previous: Object | None = None) -> None:
        events.emit(self, type_, about, previous)

    @contextmanager
    def changing(self, target: Object, *event_types: str) -> Iterator[Object]:
        """Whatever changed within the block is told in the event's `previous_attributes`."""
        before = copy.deepcopy(target)
        yield target
        previous = events.difference(before, target)
        if previous:
            for type_ in event_types:
                self.emit(type_, target, previous if type_.endswith("updated") else None)

    def next_invoice_number(self) -> str:
        self._invoice_numbers += 1
        return f"{self.account.id[-8:].upper()}-{self._invoice_numbers:04d}"
