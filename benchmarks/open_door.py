"""python -m benchmarks.open_door SECRET: a merchant whose endpoint has that secret; prints the
path that Stripe would be given."""

import sys

import django

django.setup()

from recovery.endpoints import webhook_url  # noqa: E402 - they need a booted Django
from tests.builders import make_merchant  # noqa: E402


def main(secret: str) -> None:
    path = webhook_url(make_merchant(webhook_secret=secret)).partition("/fourthngoal/")
    print("".join(path[1:]))


if __name__ == "__main__":
    main(sys.argv[1])
