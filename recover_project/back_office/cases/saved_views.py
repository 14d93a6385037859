"""The one writer of saved views: what somebody looks for again and again, under a name."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from django.db import transaction

from recover_project.back_office.models import SavedView
from recovery.models import Merchant, User

# What an address of the list may say; the rest, such as the page, is of the moment.
ASKED = ("view", "q", "status__exact", "decline_type__exact", "currency", "o")
MOST = 20  # of one person: more are no tabs any more
LONGEST_NAME, LONGEST_QUERY = 40, 500  # as in the model


class NotKeptError(ValueError):
    """The view is not kept; says why."""


def query_of(asked: Mapping[str, str]) -> str:
    """What of the list's address is worth keeping; "" for the list as it opens."""
    return urlencode([(name, asked[name]) for name in ASKED if asked.get(name)])


def of(*, merchant: Merchant, user: User) -> Sequence[SavedView]:
    return list(SavedView.objects.of(merchant).filter(user=user).order_by("name")[:MOST])


@transaction.atomic
def keep(
    *, merchant: Merchant, user: User, name: str, asked: Mapping[str, str], now: datetime
) -> SavedView:
    """Another one of the same name is replaced. Raises NotKeptError."""
    query, name = query_of(asked), " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise NotKeptError(f"a name has 1 to {LONGEST_NAME} characters")
    if not query:
        raise NotKeptError("nothing is filtered or searched for")
    if len(query) > LONGEST_QUERY:
        raise NotKeptError("what is searched for is too long")
    User.objects.select_for_update().get(pk=user.pk)  # two at once count one after the other
    own = SavedView.objects.of(merchant).filter(user=user)
    if own.exclude(name=name).count() >= MOST:
        raise NotKeptError(f"you have {MOST} already; delete one that you no longer need")
    view, _created = SavedView.objects.update_or_create(
        merchant=merchant, user=user, name=name,
        defaults={"query": query}, create_defaults={"query": query, "created_at": now},
    )  # fmt: skip
    return view


def forget_naming(*, merchant: Merchant, words: Sequence[str]) -> None:
    """Those of anybody that look for a person who is erased: by one of `words`, whole."""
    named = "|".join(re.escape(word) for word in words if word)
    if not named:
        return
    whole = re.compile(rf"(?<!\w)(?:{named})(?!\w)", re.IGNORECASE)
    for view in SavedView.objects.of(merchant):
        searched = dict(parse_qsl(view.query)).get("q", "")
        if whole.search(f"{searched} {view.name}"):
            view.delete()


def forget(*, merchant: Merchant, user: User, public_id: str) -> bool:
    """False if there is none of theirs by that id."""
    own = SavedView.objects.of(merchant).filter(user=user, public_id=public_id)
    return bool(own.delete()[0])
