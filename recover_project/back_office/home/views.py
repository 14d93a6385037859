"""The site's index: a merchant's month, or the first steps."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from recover_project.back_office import access
from recover_project.back_office.demo import rows as demo_rows
from recover_project.back_office.home import attention, figures
from recover_project.back_office.home.periods import PERIODS, period
from recover_project.back_office.pages import show
from recovery import clock


def home(request: HttpRequest) -> HttpResponseBase:
    at = access.working(request)
    if at is None or at.merchant is None:
        return show(request, "back_office/home/nobody.html", title="Welcome to Recover")
    merchant = at.merchant
    today = clock.now().astimezone(merchant.zone).date()
    chosen = period(request.GET.get("period", ""), today=today, zone=merchant.zone)
    steps = attention.first_steps(merchant)
    return show(
        request, "back_office/home/home.html", title="Home", period=chosen,
        periods=[(name, label, name == chosen.name) for name, (label, _make) in PERIODS.items()],
        waiting=attention.now(merchant), steps=[] if all(one.is_done for one in steps) else steps,
        has_demo_data=demo_rows.are_there(merchant), **figures.of(merchant, chosen),
    )  # fmt: skip
