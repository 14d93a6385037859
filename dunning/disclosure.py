"""All that is kept about one customer of a merchant, in one document (docs/people.md)."""

from datetime import datetime

from billing_portal.models import PaymentUpdateLink
from dunning import erasure
from dunning.mail import addresses
from dunning.models import DunningMessage, DunningRun
from recovery import disclosure
from recovery.disclosure import Told
from recovery.erasure import owed_by
from recovery.models import Customer

FORMAT, VERSION = "recover.person", 1


def of(customer: Customer, *, now: datetime) -> Told:
    """Fit for JSON; docs/people.md says what each part is."""
    owed = owed_by(customer)
    parts = {
        "runs": disclosure.by_case(DunningRun.objects.all(), owed),
        "messages": disclosure.by_case(DunningMessage.objects.all(), owed),
        "links": disclosure.by_case(PaymentUpdateLink.objects.all(), owed),
    }
    cases = disclosure.cases(owed)
    known = erasure.addresses_of(customer)
    merchant = customer.merchant
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": disclosure.plain(now),
        "merchant": {"id": merchant.public_id, "name": merchant.name},
        "customer": disclosure.row(customer),
        "cases": [
            cases[case.pk] | {name: told[case.pk] for name, told in parts.items()} for case in owed
        ],
        "suppressed_addresses": [
            disclosure.row(one) for one in addresses.of(customer.merchant_id, *known)
        ],
        "stripe_events": disclosure.events(customer, owed),
    }
