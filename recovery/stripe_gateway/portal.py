"""The page at Stripe where a customer updates the card."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from recovery.reading import id_of, items, node, text
from recovery.stripe_errors import ObjectMissingError, PortalUnconfiguredError, RefusedError
from recovery.stripe_gateway.wire import PAGE, Door, errors_named


class Portal(Door):
    def ensure_portal_configuration(self) -> str:
        """The id of a portal configuration of ours, made where there is none."""
        with errors_named():
            listed = self._client.v1.billing_portal.configurations.list(
                {"active": True, "limit": PAGE}
            ).to_dict()
            for configuration in items(listed):
                if node(configuration.get("metadata")).get("made_by") == "recover":
                    return id_of(configuration)
            made = self._client.v1.billing_portal.configurations.create(
                {
                    "features": {
                        "payment_method_update": {"enabled": True},
                        "invoice_history": {"enabled": True},
                    },
                    "metadata": {"made_by": "recover"},
                }
            ).to_dict()
        return id_of(made)

    def portal_session(
        self,
        *,
        customer_id: str,
        configuration_id: str,
        return_url: str,
        done_url: str,
        locale: str = "",
    ) -> str:
        """The address of a portal page that updates the card; good for 5 minutes, so never kept.
        It leads to `done_url` once the card is saved, and to `return_url` who turns back.
        Without a `locale` Stripe takes the customer's, else the browser's. Raises
        ObjectMissingError for a deleted customer, PortalUnconfiguredError, RefusedError."""
        redirect: Any = {"type": "redirect", "redirect": {"return_url": done_url}}
        with _configuration_named(), errors_named():
            session = self._client.v1.billing_portal.sessions.create(
                {
                    "customer": customer_id,
                    "return_url": return_url,
                    "flow_data": {"type": "payment_method_update", "after_completion": redirect},
                    **({"configuration": configuration_id} if configuration_id else {}),
                    **({"locale": locale} if locale else {}),
                }
            ).to_dict()
        return text(session.get("url"), longest=5000)


@contextmanager
def _configuration_named() -> Iterator[None]:
    """Stripe has no code for it: the configuration is gone or inactive, or there is no default."""
    try:
        yield
    except (ObjectMissingError, RefusedError) as error:
        if "configuration" in str(error):
            raise PortalUnconfiguredError(str(error)) from None
        raise
