"""Which pages of the back office are asked for: every address that the site has, each list with
each of its filters, in each of its orders, searched and leafed through to the end.

An address whose arguments nobody knows ends the benchmark with its name: none is forgotten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import ForeignKey
from django.test import Client
from django.urls import URLPattern, reverse

from benchmarks.many_merchants import Office
from dunning.models import DunningCampaign, DunningMessage
from recovery.models import Customer, Merchant, RecoveryCase, WebhookRegistration
from tests.back_office import resolver

SITE = "admin:"
# Ways in and out; what is the same for all.
LEFT_OUT = frozenset(
    {
        "app_list", "login", "logout", "password_change", "password_change_done",
        "jsi18n", "view_on_site", "autocomplete",
    }
)  # fmt: skip
SEARCHED = (
    "noah", "noah1@example.com", "Noah Mercer 1", "nobody", "cus_{0}1", "in_{0}1", "pi_{0}1",
    "sub_{0}1", "case_{0}1", "M1-1", "evt_{0}10", "msg_{0}10", "pul_{0}1", "whd_{0}1",
    "notice_{0}1", "task_{0}10",
)  # fmt: skip
COMPLETED = ("", "noah", "nobody")
LAST_PAGE = 10_000  # further than a timeline has any, which is the last; an old change
TAKES_FILTERS_IN_EVERY_ORDER = (RecoveryCase,)

Fill = Callable[[Office], Any]


@dataclass(frozen=True)
class Page:
    """`label` is the same for every office, `address` is its own."""

    label: str
    address: Fill


def _newest(model: Any) -> Fill:
    def newest(office: Office) -> Any:
        if model is Merchant:
            return office.merchant.pk
        if model is RecoveryCase:
            return office.newest
        return model.objects.of(office.merchant).latest("pk").pk

    return newest


def _draft(office: Office) -> str:
    drafts = DunningCampaign.objects.of(office.merchant).filter(state="draft")
    return drafts.latest("pk").plan


def _public_id(model: Any) -> Fill:
    return lambda office: model.objects.of(office.merchant).latest("pk").public_id


def _pk(model: Any) -> Fill:
    return lambda office: model.objects.of(office.merchant).latest("pk").pk


def _always(value: Any) -> Fill:
    return lambda _office: value


ARGUMENTS: Mapping[str, Fill] = MappingProxyType(
    {
        "plan": _draft,
        "name": _always("payment_failed"),
        "language": _always("en"),
        "decline_type": _always("soft"),
        "verb": _always("pause"),
        "key_id": _always("key_none"),
        "pk": _always(0),
    }
)
# What an argument means there that means something else elsewhere.
OF_ADDRESSES: Mapping[str, Fill] = MappingProxyType(
    {
        "message": _public_id(DunningMessage),
        "message_html": _public_id(DunningMessage),
        "customer_erase": _pk(Customer),
        "settings_webhook": _public_id(WebhookRegistration),
        "settings_webhook_secret": _public_id(WebhookRegistration),
        "settings_webhook_do": _public_id(WebhookRegistration),
    }
)
MODELS: Mapping[str, Any] = MappingProxyType(
    {
        f"{model._meta.app_label}_{model._meta.model_name}": model  # noqa: SLF001 - Django's own
        for model in admin.site._registry  # noqa: SLF001 - there is no other way to them
    }
)


def pages(client: Client) -> Iterator[Page]:
    """`client` is who looks after an office, in whose lists the filters are found."""
    for pattern in _patterns():
        yield _page(pattern)
    for name, model in MODELS.items():
        address = reverse(f"admin:{name}_changelist")
        answer: Any = client.get(address, secure=True)
        listed = answer.context_data["cl"]
        for query in _queries(listed, model):
            yield _at(address, query)
        if listed.search_fields:
            yield from (_searched(address, term) for term in SEARCHED)
    case = "admin:recovery_recoverycase_change"
    yield Page(
        "a case's long story, its end",
        lambda office: f"{reverse(case, args=[office.newest])}?page={LAST_PAGE}",
    )
    yield _at(reverse("admin:changes"), {"before": LAST_PAGE})
    yield from _completions()


def _patterns() -> Iterator[URLPattern]:
    """Those of the site that have a name of their own."""
    known = {one.name: one.pattern for one in resolver.known() if one.name.startswith(SITE)}
    return (pattern for name, pattern in known.items() if name.removeprefix(SITE) not in LEFT_OUT)


def _page(pattern: URLPattern) -> Page:
    name = str(pattern.name)
    fills = {argument: _fill(name, argument) for argument in pattern.pattern.regex.groupindex}

    def address(office: Office) -> str:
        return reverse(f"admin:{name}", kwargs={one: fill(office) for one, fill in fills.items()})

    return Page(name.replace("_", " "), address)


def _fill(name: str, argument: str) -> Fill:
    """Raises LookupError."""
    if argument == "object_id":
        return _newest(MODELS[name.rpartition("_")[0]])
    if argument == "public_id":
        return OF_ADDRESSES[name]
    if argument not in ARGUMENTS:
        raise LookupError(f"Say in {__name__} what {argument} is in the address of {name}.")
    return ARGUMENTS[argument]


def _at(address: str, query: Mapping[str, Any]) -> Page:
    asked = f"{address}?{urlencode(query)}"
    return Page(asked.removeprefix("/admin/"), _always(asked))


def _searched(address: str, term: str) -> Page:
    def asked(office: Office) -> str:
        return f"{address}?{urlencode({'q': term.format(f'm{office.number}')})}"

    return Page(f"{address.removeprefix('/admin/')}?q={term.format('')}", asked)


def _queries(listed: ChangeList, model: Any) -> Iterator[dict[str, Any]]:
    """Its filters one by one and two by two, its orders, its last page."""
    filters = [list(_choices(listed, spec)) for spec in listed.filter_specs]
    singles, orders = list(chain(*filters)), list(_orders(listed))
    yield from singles
    for one, other in combinations(filters, 2):
        yield from ({**first, **second} for first in one for second in other)
    yield from orders
    if model in TAKES_FILTERS_IN_EVERY_ORDER:
        yield from ({**single, **order} for single in singles for order in orders)
    if (last := listed.paginator.num_pages) > 1:
        yield {"p": last}


def _choices(listed: ChangeList, spec: Any) -> Iterator[dict[str, str]]:
    for choice in spec.choices(listed):
        if asked := dict(parse_qsl(choice["query_string"].removeprefix("?"))):
            yield asked


def _orders(listed: ChangeList) -> Iterator[dict[str, str]]:
    sortable: Sequence[Any] = listed.sortable_by or ()
    for number, column in enumerate(listed.list_display):
        if column in sortable and listed.get_ordering_field(column):
            yield {"o": str(number)}
            yield {"o": f"-{number}"}


def _completions() -> Iterator[Page]:
    for model in MODELS.values():
        meta = model._meta  # noqa: SLF001 - Django's own
        for field in meta.get_fields():
            remote = admin.site._registry.get(field.related_model)  # noqa: SLF001 - as above
            if isinstance(field, ForeignKey) and remote and remote.search_fields:
                for term in COMPLETED:
                    asked = {"app_label": meta.app_label, "model_name": meta.model_name,
                             "field_name": field.name, "term": term}  # fmt: skip
                    yield _at(reverse("admin:autocomplete"), asked)
