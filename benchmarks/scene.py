"""python -m benchmarks.scene: a customer with an open payment; prints the paths that the browser
fetches, the page's first."""

import django

django.setup()

from django.utils import timezone  # noqa: E402 - they need a booted Django

from billing_portal import links  # noqa: E402
from billing_portal.logos import shown  # noqa: E402
from recovery import logos  # noqa: E402
from recovery.models import RecoveryCase  # noqa: E402
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive  # noqa: E402
from tests.drawings import file_of, photographed, wordmark  # noqa: E402


def main() -> None:
    merchant = make_merchant()
    logos.put(merchant=merchant, given=file_of(photographed(wordmark())))
    receive(DOCUMENTED_EXAMPLE)
    link = links.create(case=RecoveryCase.objects.get(), now=timezone.now())
    logo = shown(merchant)
    print(f"{links.UPDATE_PATH}?{link.partition('?')[2]}")
    print(logo.path if logo else "")


if __name__ == "__main__":
    main()
