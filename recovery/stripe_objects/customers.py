"""Customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from recovery.reading import Node, id_of, node, text

LONGEST_LOCALES = 100


@dataclass(frozen=True, slots=True)
class Customer:
    """`locale` is Stripe's preferred locales, best first, separated by commas: "fr-CA,en"."""

    id: str
    email: str
    name: str
    locale: str
    country: str
    default_payment_method_id: str
    is_deleted: bool
    state: str = ""
    metadata: Mapping[str, str] | None = None  # None where Stripe said nothing of it

    @classmethod
    def read(cls, value: Node) -> Self:
        settings = node(value, "invoice_settings")
        return cls(
            id=id_of(value),
            email=text(value.get("email"), longest=254),
            name=text(value.get("name"), longest=200),
            locale=_locales(value.get("preferred_locales")),
            country=text(node(value, "address").get("country"), longest=2),
            default_payment_method_id=id_of(settings.get("default_payment_method"))
            or id_of(value.get("default_source")),
            is_deleted=value.get("deleted") is True,
            state=text(node(value, "address").get("state"), longest=100),
            metadata=_metadata(value.get("metadata")),
        )


def _metadata(value: object) -> Mapping[str, str] | None:
    """Within Stripe's own limits (docs.stripe.com/api/metadata)."""
    if not isinstance(value, Mapping):
        return None
    texts = {
        text(key, longest=40): text(entry, longest=500)
        for key, entry in value.items()
        if isinstance(entry, str)
    }
    return MappingProxyType(dict(list(texts.items())[:50]))


def _locales(value: object) -> str:
    """As many as fit, none of them cut short."""
    wanted = [text(locale) for locale in value] if isinstance(value, list) else []
    joined = ",".join(locale for locale in wanted if locale)
    if len(joined) <= LONGEST_LOCALES:
        return joined
    return joined[: LONGEST_LOCALES + 1].rpartition(",")[0]
