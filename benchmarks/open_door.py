"""python -m benchmarks.open_door SECRET [KEY]: a merchant whose endpoint has that secret, and for
whom Stripe is asked with that key; prints the path that Stripe would be given."""

import sys

import django

django.setup()

from recovery.endpoints import webhook_url  # noqa: E402 - they need a booted Django
from tests.builders import make_merchant  # noqa: E402


def main(secret: str, key: str = "") -> None:
    merchant = make_merchant(webhook_secret=secret)
    if key:
        merchant.stripe.api_key, merchant.stripe.livemode = key, False
        merchant.stripe.save()
    path = webhook_url(merchant).partition("/fourthngoal/")
    print("".join(path[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
