"""What counts as opening the page, and that a mail scanner can do nothing by looking."""

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links, openings
from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage
from recovery.models import OutboundNotice, RecoveryCase
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive

PAGE = "/fourthngoal/recover/update"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

# What scanners of mail and previews of links are known to send. Each looks twice.
SCANNERS: dict[str, tuple[str, dict[str, str]]] = {
    "the head alone": ("HEAD", {}),
    "the head alone, as a browser": ("HEAD", {"Accept": BROWSER}),
    "fetched ahead": ("GET", {"Sec-Purpose": "prefetch"}),
    "fetched ahead and drawn": ("GET", {"Sec-Purpose": "prefetch;prerender"}),
    "fetched ahead by another machine": ("GET", {"Sec-Purpose": "prefetch;anonymous-client-ip"}),
    "fetched ahead by an older browser": ("GET", {"Purpose": "prefetch"}),
    "fetched ahead by an older Firefox": ("GET", {"X-Moz": "prefetch"}),
    "as a browser": ("GET", {"Accept": BROWSER, "User-Agent": "Mozilla/5.0"}),
    "whatever there is": ("GET", {"Accept": "*/*"}),
    "without a word": ("GET", {}),
    "for an image": ("GET", {"Accept": "image/*;q=0.8"}),
    "for data": ("GET", {"Accept": "application/json"}),
    "for nonsense": ("GET", {"Accept": ";;q=,\x7f", "Accept-Language": "*;q=zz,,\xe9"}),
    "for a part": ("GET", {"Range": "bytes=0-1023", "If-None-Match": "*"}),
    "for a file to keep": ("GET", {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}),
}
AHEAD = [headers for name, (_, headers) in SCANNERS.items() if name.startswith("fetched ahead")]
OPENINGS = [name for name, (_, headers) in list(SCANNERS.items())[7:]]


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    return RecoveryCase.objects.get()


@pytest.mark.parametrize("name", SCANNERS)
def test_a_request_counts_as_an_opening_unless_it_says_that_it_is_none(name: str) -> None:
    method, headers = SCANNERS[name]

    assert openings.counts(method=method, headers=headers) is (name in OPENINGS)


@pytest.mark.parametrize("name", SCANNERS)
def test_what_is_fetched_ahead_says_so(name: str) -> None:
    _, headers = SCANNERS[name]

    assert openings.is_ahead(headers) is (headers in AHEAD)


@pytest.mark.django_db
@pytest.mark.parametrize("name", SCANNERS)
def test_a_scanner_changes_nothing_but_the_one_entry_of_an_opening(
    name: str, case: RecoveryCase
) -> None:
    method, headers = SCANNERS[name]
    token = links.create(case=case, now=timezone.now()).partition("token=")[2]
    before = (rows(), list(case.timeline.values_list("kind", flat=True)))

    for _twice in range(2):
        answer = Client().generic(method, f"{PAGE}?token={token}", headers=headers)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers

    told = list(case.timeline.order_by("id").values_list("kind", flat=True))
    assert told == before[1] + ["link_opened"] * (name in OPENINGS)
    assert rows() == before[0]
    assert (PaymentUpdateLink.objects.get().opened_at is not None) is (name in OPENINGS)
    assert RecoveryCase.objects.get().has_opened is (name in OPENINGS)
    assert Client().post(PAGE, {"token": token}).status_code == 200  # the link still works


def rows() -> list[object]:
    """All that a look could change but the opening itself."""
    kept = PaymentUpdateLink.objects.values(
        "digest", "expires_at", "revoked_at", "started_at", "finished_at",
        "replacement_requested_at",
    )  # fmt: skip
    return [
        list(kept), [{**row, "has_opened": None} for row in RecoveryCase.objects.values()],
        DunningMessage.objects.count(), OutboundNotice.objects.count(),
    ]  # fmt: skip


@pytest.mark.django_db
def test_an_expired_page_that_is_looked_at_asks_for_no_new_link(case: RecoveryCase) -> None:
    address = links.create(case=case, now=timezone.now() - links.LIFETIME)
    token = address.partition("token=")[2]

    for method, headers in SCANNERS.values():
        answer = Client().generic(method, f"{PAGE}?token={token}", headers=headers)
        assert answer.status_code == 410

    link = PaymentUpdateLink.objects.get()
    assert (link.opened_at, link.replacement_requested_at) == (None, None)
    assert not case.timeline.filter(kind__startswith="link_").exists()
