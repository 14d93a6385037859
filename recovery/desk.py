"""The rows that one transaction works on: each is read and locked once, and written once.

What is done about a case is told in small use cases, each of them right by itself: it locks the
row, changes it, writes it. At a desk they share the rows that lie on it, and what they leave there
is written together when it is put away: all of it, or nothing if anything went wrong. Who begins
at no desk sits down at one; who is called by somebody at a desk sits with them (docs/adr/0024).

Customers are locked before cases, so that no two desks wait for each other.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, models, transaction

from recovery import updates
from recovery.models import Customer, PaymentAttempt, RecoveryCase, TimelineEntry

Row = TypeVar("Row", bound=models.Model)
Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Item = TypeVar("Item")

TRIES = 3  # where somebody else wrote the same row first: then it is there to be read
# What others refer to comes first. Rows of one kind are written in an order that all desks have.
_WRITTEN: Sequence[tuple[type[models.Model], Callable[[Any], Any]]] = (
    (Customer, lambda customer: (customer.stripe_customer_id, customer.email)),
    (RecoveryCase, lambda case: (case.stripe_invoice_id, case.stripe_payment_intent_id)),
    (PaymentAttempt, lambda attempt: attempt.key),
)


class Desk:
    """`noted`: answers that hold as long as the desk is in use, by what was asked."""

    def __init__(self) -> None:
        self.noted: dict[Hashable, Any] = {}
        self._held: dict[tuple[type[models.Model], Any], models.Model] = {}
        self._stored: dict[int, dict[str, Any]] = {}  # what the database has, by id(row)
        self._new: dict[type[models.Model], list[models.Model]] = defaultdict(list)
        self._entries: list[TimelineEntry] = []
        self._afterwards: list[Callable[[], None]] = []
        self._gathered: dict[Callable[[list[Any]], object], list[Any]] = defaultdict(list)

    def hold(self, row: Row) -> Row:
        """A row that was just read, and locked."""
        self._held[type(row), row.pk] = row
        self._stored[id(row)] = dict(vars(row))
        return row

    def add(self, row: Row, **known_by: Any) -> Row:
        """A row that the database hasn't yet; found again by what it is known by."""
        self._new[type(row)].append(row)
        if known_by:
            self.noted[type(row), *known_by.values()] = row
        return row

    def lay_out(
        self, model: type[Row], rows: Iterable[Row], *, known_by: Sequence[Mapping[str, Any]]
    ) -> list[Row]:
        """Rows that were just read and locked, and what they were looked for by: who looks for one
        of these finds it here, or that there is none."""
        laid = [self.held(row) or self.hold(row) for row in rows]
        for names in known_by:
            self.noted.setdefault((model, *names.values()), None)
        for row in laid:
            self.noted[model, *(getattr(row, name) for name in known_by[0])] = row
        return laid

    def found(self, model: type[Row], *, no_key: bool = False, **known_by: Any) -> Row | None:
        """The row that is known by that, here or in the database, locked; None: there is none."""
        name = (model, *known_by.values())
        if name not in self.noted:
            rows: Any = model._base_manager  # noqa: SLF001 - of a model that isn't named
            found = rows.select_for_update(no_key=no_key).filter(**known_by).first()
            self.noted[name] = found and (self.held(found) or self.hold(found))
        known: Row | None = self.noted[name]
        return known

    def tell(self, entry: TimelineEntry) -> None:
        self._entries.append(entry)

    def gather(self, item: Item, write: Callable[[list[Item]], object]) -> None:
        """What `write` writes together with all else that is gathered for it."""
        self._gathered[write].append(item)

    def do_afterwards(self, work: Callable[[], None]) -> None:
        """Work that refers to what lies here, and waits until it is written."""
        self._afterwards.append(work)

    def has_told(self, entry: TimelineEntry) -> bool:
        return any(one.once == entry.once and one.case is entry.case for one in self._entries)

    def held(self, row: Row) -> Row | None:
        """The same row as it lies here, if it does."""
        if row.pk is None:
            return row
        found = self._held.get((type(row), row.pk))
        return found if isinstance(found, type(row)) else None

    def put_away(self) -> None:
        """Write what is new and what has changed. What was held is held on."""
        for model, order in _WRITTEN:
            self._write_changes(model)
            new: list[Any] = sorted(self._new.pop(model, []), key=order)
            model._base_manager.bulk_create(new)  # noqa: SLF001 - of a model that isn't named
            for row in new:
                self.hold(row)
        entries, self._entries = self._entries, []
        TimelineEntry.objects.bulk_create(entries, ignore_conflicts=True)
        gathered, self._gathered = self._gathered, defaultdict(list)
        for write, items in gathered.items():
            write(items)
        waiting, self._afterwards = self._afterwards, []
        for work in waiting:
            work()

    def _write_changes(self, model: type[models.Model]) -> None:
        """Rows in which the same fields have changed are written together."""
        names = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001 - Django's own
        changes: dict[tuple[str, ...], list[models.Model]] = defaultdict(list)
        for row in [row for (kind, _pk), row in self._held.items() if kind is model]:
            stored, now = self._stored[id(row)], vars(row)
            changed = tuple(name for name in names if now[name] != stored[name])
            if changed:
                changes[changed].append(row)
                self._stored[id(row)] = dict(now)
        for changed, rows in changes.items():
            updates.write(rows, changed)


_in_use: ContextVar[Desk | None] = ContextVar("desk", default=None)


def current() -> Desk | None:
    return _in_use.get()


def here() -> Desk:
    """The desk in use. Raises RuntimeError where there is none."""
    if (desk := _in_use.get()) is None:
        raise RuntimeError("This is done at a desk.")
    return desk


def found(model: type[Row], *, no_key: bool = False, **known_by: Any) -> Row | None:
    return here().found(model, no_key=no_key, **known_by)


def add(row: Row, **known_by: Any) -> Row:
    return here().add(row, **known_by)


@contextmanager
def sitting() -> Iterator[Desk]:
    """The desk that is in use, or one of one's own, put away at the end of its transaction."""
    if there := _in_use.get():
        yield there
        return
    with transaction.atomic():
        mine = Desk()
        token = _in_use.set(mine)
        try:
            yield mine
            mine.put_away()
        finally:
            _in_use.reset(token)


def at_desk(work: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Done at a desk, and once more where another worker wrote the same row in the meantime."""

    @wraps(work)
    def done(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if _in_use.get():
            return work(*args, **kwargs)
        for _try in range(TRIES - 1):
            try:
                with sitting():
                    return work(*args, **kwargs)
            except IntegrityError:
                continue
        with sitting():
            return work(*args, **kwargs)

    return done


def afterwards(work: Callable[[], None]) -> None:
    """Done once all that lies on the desk in use is written; where there is none, now."""
    if desk := _in_use.get():
        desk.do_afterwards(work)
    else:
        work()


def gathered(item: Item, write: Callable[[list[Item]], object]) -> None:
    """Written with all else that is gathered for `write` on the desk in use, once that is put
    away; where there is none, now."""
    if desk := _in_use.get():
        desk.gather(item, write)
    else:
        write([item])


def noted(question: Hashable, ask: Callable[[], Answer]) -> Answer:
    """What `ask` answers, once for as long as a desk is in use."""
    desk = _in_use.get()
    if desk is None:
        return ask()
    if question not in desk.noted:
        desk.noted[question] = ask()
    answer: Answer = desk.noted[question]
    return answer


def forget(question: Hashable) -> None:
    """What was `noted` holds no more."""
    if desk := _in_use.get():
        desk.noted.pop(question, None)


def locked(row: Row, *, no_key: bool = False) -> Row:
    """The row as it is now, held until the transaction ends. `no_key`: others may still refer to
    it meanwhile."""
    desk = _in_use.get()
    if desk and (there := desk.held(row)):
        return there
    rows: Any = type(row)._base_manager  # noqa: SLF001 - of a model that isn't named
    found: Row = rows.select_for_update(no_key=no_key).get(pk=row.pk)
    return desk.hold(found) if desk else found


def keep(row: models.Model) -> None:
    """Whoever has changed a row says so: it is written with all else that lies on the desk or, if
    it doesn't lie there, now."""
    desk = _in_use.get()
    if desk is None or desk.held(row) is not row:
        row.save()
