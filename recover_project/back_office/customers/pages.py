"""What a customer may ask of the merchant: to see what is kept about them, and to be erased."""

from django.contrib import messages
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dunning import erasure
from dunning.erasure import NotErasedError
from recover_project.back_office.access import Right, Working, actor_of
from recover_project.back_office.cases import words
from recover_project.back_office.customers import handling
from recover_project.back_office.pages import page, show
from recovery import clock
from recovery.models import Customer

CUSTOMER = "admin:recovery_customer_change"


@page("customers/<int:pk>/export/", name="customer_export", right=Right.OPERATE)
@require_POST
@never_cache
def export(_request: HttpRequest, at: Working, pk: int) -> HttpResponseBase:
    """A file to save."""
    customer = _customer(at, pk)
    told = handling.export(customer, now=clock.now())
    name = customer.stripe_customer_id or f"guest-{customer.pk}"
    answer = JsonResponse(told, json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer


@page("customers/<int:pk>/erase/", name="customer_erase", right=Right.OWN)
def erase(request: HttpRequest, at: Working, pk: int) -> HttpResponseBase:
    """What goes, what stays and how much of it; then, `confirmed`, it is done."""
    customer = _customer(at, pk)
    if request.method == "POST" and "confirmed" in request.POST:
        try:
            is_new = handling.erase(
                customer, closes_open_cases="closes" in request.POST, actor=actor_of(request),
                now=clock.now(),
            )  # fmt: skip
        except NotErasedError as error:
            messages.error(request, f"Nobody was erased: {error}.")
            return redirect("admin:customer_erase", pk)
        told = "The person is erased." if is_new else "The person was erased already."
        messages.success(request, told)
        return redirect(CUSTOMER, pk)
    found = erasure.extent(customer)
    return show(
        request, "back_office/customers/erase.html", title="Erase this person",
        customer=customer, who=words.called(customer), extent=found,
        rows=[(name, count) for name, count in found.rows.items() if count],
        alike=_alike(customer), trail=[("Customer", _address(customer))],
    )  # fmt: skip


def _alike(customer: Customer) -> list[Customer]:
    """Other customers with the same address: each is erased by itself."""
    if not customer.email:
        return []
    alike = handling.addressed(customer.merchant_id, customer.email)
    return list(alike.exclude(pk=customer.pk).order_by("pk")[:10])


def _address(customer: Customer) -> str:
    return reverse(CUSTOMER, args=[customer.pk])


def _customer(at: Working, pk: int) -> Customer:
    mine = Customer.objects.of(at.of).select_related("merchant")
    return get_object_or_404(mine, pk=pk)
