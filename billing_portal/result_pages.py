"""Back from Stripe's portal: the page that says what became of each debt."""

from django.http import HttpResponse

from billing_portal import debts, invoice_pages, links, pages, presentation
from billing_portal.collection import Charge
from billing_portal.link_pages import UNDER_WAY, Visit
from billing_portal.models import PaymentUpdateLink
from billing_portal.pages import Button, Reader
from billing_portal.payment_updates import Overall, Result
from recovery import attempts, clock
from recovery.attempts import Outcome
from recovery.models import RecoveryCase
from recovery.stripe_objects import PaymentMethod

CAN_TRY_AGAIN = {
    Overall.UNCHANGED, Overall.SAME_CARD, Overall.CARD_REFUSED, Overall.CARD_WAITS,
    Overall.DECLINED, Overall.PARTLY,
}  # fmt: skip
CAN_REFRESH = {Overall.PENDING, Overall.UNAVAILABLE}


def result_page(visit: Visit, link: PaymentUpdateLink, result: Result) -> HttpResponse:
    to_confirm = [charge.case for charge in result.charges if _is_to_confirm(charge)]
    for case in to_confirm:
        invoice_pages.address(case, now=clock.now())  # which the case then has
    has_links = len(to_confirm) > 1
    if result.overall is Overall.GIVEN_UP:
        url = invoice_pages.address(link.case, now=clock.now())
        return visit.page(_name(result, []), buttons=[Button(url)] if url else [])
    is_known = result.overall is not Overall.UNAVAILABLE
    return visit.page(
        _name(result, to_confirm), status=200 if is_known else pages.UNAVAILABLE,
        buttons=_next(visit, link, result, to_confirm), facts=_saved(visit.reader, result.saved),
        results=[
            debts.charged(
                visit.reader, charge, has_link=has_links and charge.case in to_confirm
            )
            for charge in result.charges
        ],
    )  # fmt: skip


def _is_to_confirm(charge: Charge) -> bool:
    is_asked = charge.result.outcome is Outcome.NEEDS_AUTHENTICATION
    return is_asked and bool(charge.case.hosted_invoice_url)


def _name(result: Result, to_confirm: list[RecoveryCase]) -> str:
    if result.overall is Overall.PENDING and _is_with_a_bank(result):
        return UNDER_WAY
    if result.overall is not Overall.NEEDS_AUTHENTICATION:
        return f"back_{result.overall}"
    if not to_confirm:
        return "back_confirm_by_mail"
    return "back_confirm_each" if len(to_confirm) > 1 else "back_confirm"


def _is_with_a_bank(result: Result) -> bool:
    """Whether all that is pending takes days: what a worker is at is known in a moment."""
    pending = [one.case for one in result.charges if one.result.outcome is Outcome.PENDING]
    return all(attempts.is_under_way(case) for case in pending)


def _next(
    visit: Visit, link: PaymentUpdateLink, result: Result, to_confirm: list[RecoveryCase]
) -> list[Button]:
    if result.saved:
        return [Button(links.RETURN_PATH, {**visit.query, "card": result.saved.id})]
    if result.overall in CAN_REFRESH:
        posted = {**visit.query, "card": visit.request.POST.get("card", "")}
        is_posted = visit.request.method == "POST"
        return [Button(visit.request.get_full_path(), posted if is_posted else None)]
    if result.overall in CAN_TRY_AGAIN:
        return [Button(links.UPDATE_PATH, {"token": links.reissue(link, now=clock.now())})]
    is_one = result.overall is Overall.NEEDS_AUTHENTICATION and len(to_confirm) == 1
    return [Button(to_confirm[0].hosted_invoice_url)] if is_one else []


def _saved(reader: Reader, method: PaymentMethod | None) -> dict[str, str]:
    """What is said of the payment method on file, which may have neither brand nor number."""
    if method is None:
        return {}
    card = presentation.named_card(method.brand, method.last4, reader.language)
    phrase = reader.words.phrases["saved_card" if card else "saved_method"]
    return {"saved": phrase.format(card=card)}
