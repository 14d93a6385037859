"""What people changed for the merchant, the newest first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditlog.models import LogEntry
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DurationField
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_duration
from django.views.decorators.http import require_safe

from dunning.plans import durations
from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recovery.models import Merchant

A_PAGE = 50
HIGHEST = 2**31 - 1  # id that there can be
DONE = {
    LogEntry.Action.CREATE: "made",
    LogEntry.Action.UPDATE: "changed",
    LogEntry.Action.DELETE: "removed",
    LogEntry.Action.ACCESS: "looked on",
}
NOBODY = "the system, or a command"
LONGEST = 200  # characters of a value that are shown
# What only the database reads: whose it is, which numbers it goes by, when it was written.
NOT_TOLD = {"id", "merchant", "user", "campaign", "created_at", "updated_at"}
ROWS = re.compile(r"\w+\.\w+\.None")  # how auditlog writes the rows that point here
FRACTION = re.compile(r"(?<=\d\d:\d\d:\d\d)\.\d+")


@dataclass(frozen=True)
class Field:
    name: str
    before: str
    after: str


def of(merchant: Merchant) -> Any:
    """The entries of the merchant's own things."""
    return LogEntry.objects.filter(additional_data__merchant=merchant.pk).order_by("-id")


@page("changes/", name="changes", right=Right.OWN)
@require_safe
def changes(request: HttpRequest, at: Working) -> HttpResponseBase:
    """From the newest on, or from before one: an old page costs no more than the first."""
    before = request.GET.get("before", "")
    entries = of(at.of).select_related("actor", "content_type")
    if before.isascii() and before.isdigit():
        entries = entries.filter(pk__lt=min(int(before), HIGHEST))
    found = list(entries[: A_PAGE + 1])
    shown = found[:A_PAGE]
    return show(
        request, "back_office/people/changes.html", title="Changes", is_newest=not before,
        changes=[_shown(entry) for entry in shown],
        older=shown[-1].pk if len(found) > A_PAGE else None,
    )  # fmt: skip


def _shown(entry: LogEntry) -> dict[str, Any]:
    return {
        "at": entry.timestamp,
        "who": entry.actor or entry.actor_email or NOBODY,
        "from": entry.remote_addr or "",
        "did": DONE[entry.action],
        "what": entry.content_type.name,
        "which": entry.object_repr,
        "fields": list(_fields(entry)),
    }


def _fields(entry: LogEntry) -> Iterator[Field]:
    for name, told in (entry.changes or {}).items():
        if isinstance(told, list) and name not in NOT_TOLD:
            write = _length if _is_length(entry, name) else _short
            before, after = (write(value) for value in told)
            if before == after and entry.action == LogEntry.Action.CREATE:
                continue  # it was empty and is
            yield Field(name.replace("_", " "), before, after)


def _is_length(entry: LogEntry, name: str) -> bool:
    model = entry.content_type.model_class()
    try:
        field = model and model._meta.get_field(name)  # noqa: SLF001 - Django's own
    except FieldDoesNotExist:  # by now
        return False
    return isinstance(field, DurationField)


def _length(value: Any) -> str:
    """A length of time as it is written where it is set."""
    length = parse_duration(str(value))
    return _short(value) if length is None else durations.in_words(length)


def _short(value: Any) -> str:
    text = "" if value in {None, "None", "", "{}", "[]"} else FRACTION.sub("", str(value))
    if ROWS.fullmatch(text):
        return ""
    return f"{text[:LONGEST]}…" if len(text) > LONGEST else text
