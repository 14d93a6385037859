"""python -m benchmarks.open_door SECRET: a merchant whose endpoint has that secret; prints the
path that Stripe would be given."""

import sys

import django

django.setup()

from django.utils import timezone  # noqa: E402 - they need a booted Django

from recovery import merchants  # noqa: E402
from recovery.endpoints import webhook_url  # noqa: E402


def main(secret: str) -> None:
    merchant, _credentials = merchants.create(
        name="Fern Tea Club", product_name="", currency="usd", time_zone="UTC",
        monthly_price=2900, webhook_secret=secret, settling_minutes=30, now=timezone.now(),
    )  # fmt: skip
    path = webhook_url(merchant).partition("/fourthngoal/")
    print("".join(path[1:]))


if __name__ == "__main__":
    main(sys.argv[1])
