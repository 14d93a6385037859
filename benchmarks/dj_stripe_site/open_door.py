"""python -m benchmarks.dj_stripe_site.open_door SECRET: an endpoint with that secret; prints the
path that Stripe would be given."""

import sys

import django

django.setup()

from djstripe.models import WebhookEndpoint  # noqa: E402 - it needs a booted Django


def main(secret: str) -> None:
    endpoint = WebhookEndpoint.objects.create(
        id="we_bench", secret=secret, livemode=False, url="https://pay.example.com/",
        enabled_events=["*"], status="enabled", djstripe_validation_method="verify_signature",
    )  # fmt: skip
    print(f"/stripe/webhook/{endpoint.djstripe_uuid}/")


if __name__ == "__main__":
    main(sys.argv[1])
