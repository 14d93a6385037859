"""A link by its id: whole, for what is done with it, or what its page shows, in one statement that
is planned once, because customers and what scans their mail look at it far more often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from billing_portal.models import PaymentUpdateLink
from recovery import cases
from recovery.models import Customer, Merchant, MerchantLogo, RecoveryCase
from recovery.prepared import PreparedQuery
from recovery.state_machine import Status

MAY_BE_PAID = (Status.OPEN, Status.LOST)
# Of something else that the customer may pay: open rather than given up, None if there is nothing.
# Who may still be typing owes nothing yet.
ANOTHER = Subquery(
    RecoveryCase.objects.filter(
        cases.settled(Now()),
        merchant=OuterRef("merchant"),
        customer=OuterRef("case__customer"),
        status__in=MAY_BE_PAID,
    )
    .exclude(pk=OuterRef("case"))
    .order_by("-status")
    .values("status")[:1]
)
# What Stripe is reached with is read where it is needed.
WHOLE = (
    PaymentUpdateLink.objects.select_related("case__customer", "case__merchant__logo")
    .defer("case__merchant__logo__content")
    .annotate(another=ANOTHER)
)
Kind = TypeVar("Kind", bound=Model)


@dataclass(frozen=True)
class Part(Generic[Kind]):
    """A model's share of a row: `path` leads to it from the link, `names` are of its columns."""

    model: type[Kind]
    path: str
    names: frozenset[str]

    @cached_property
    def ordered(self) -> list[str]:
        """In the order in which Django makes an instance of them."""
        columns = (field.attname for field in self.model._meta.concrete_fields)  # noqa: SLF001 - documented
        return [column for column in columns if column in self.names]

    def take(self, values: Iterator[Any]) -> Kind:
        """Its instance, from as many of a row's values as it has columns. Another of its columns
        is read when it is asked for."""
        own = list(islice(values, len(self.ordered)))
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, own)

    def take_if_any(self, values: Iterator[Any]) -> Kind | None:
        taken = self.take(values)
        return None if taken.pk is None else taken


LINK = Part(
    PaymentUpdateLink, "",
    frozenset({"id", "public_id", "case_id", "digest", "revoked_at", "opened_at"}),
)  # fmt: skip
CASE = Part(
    RecoveryCase, "case__",
    frozenset(
        {
            "id", "public_id", "merchant_id", "customer_id", "stripe_invoice_id",
            "stripe_payment_intent_id", "invoice_number", "reason",
            "description", "hosted_invoice_url", "status", "amount", "currency", "decline_code",
            "advice_code", "card_brand", "card_last4", "failed_at", "has_opened",
            "person_erased_at", "is_payment_under_way",
        }
    ),
)  # fmt: skip
CUSTOMER = Part(Customer, "case__customer__", frozenset({"id", "locale"}))
MERCHANT = Part(
    Merchant, "case__merchant__",
    frozenset({"id", "product_name", "color", "support_email", "time_zone"}),
)  # fmt: skip
LOGO = Part(
    MerchantLogo, "case__merchant__logo__",
    frozenset({"id", "digest", "width", "height", "ground"}),
)  # fmt: skip
PARTS: Sequence[Part[Any]] = (LINK, CASE, CUSTOMER, MERCHANT, LOGO)


def _as_shown(public_id: str) -> "QuerySet[PaymentUpdateLink, tuple[Any, ...]]":
    columns = [f"{part.path}{name}" for part in PARTS for name in part.ordered]
    return PaymentUpdateLink.objects.filter(public_id=public_id).values_list(*columns, ANOTHER)


_SHOWN = PreparedQuery("link_as_shown", _as_shown)


def whole(public_id: str) -> tuple[PaymentUpdateLink, str | None] | None:
    """The link, and the status of something else that its customer may pay too."""
    link = next(iter(WHOLE.filter(public_id=public_id)), None)  # of one, so in no order
    return (link, link.another) if link else None


def as_shown(public_id: str) -> tuple[PaymentUpdateLink, str | None] | None:
    """The same with no more of the rows than a page shows of them."""
    for row in _SHOWN.rows(public_id):
        values = iter(row)
        return _link(values), next(values)
    return None


def _link(values: Iterator[Any]) -> PaymentUpdateLink:
    """As PARTS stand in a row."""
    link, case = LINK.take(values), CASE.take(values)
    customer, merchant = CUSTOMER.take_if_any(values), MERCHANT.take(values)
    logo = LOGO.take_if_any(values)
    link.case, case.customer, case.merchant = case, customer, merchant
    Merchant.logo.related.set_cached_value(merchant, logo)
    return link
