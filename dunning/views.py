"""The way out of a merchant's mail (RFC 8058): one click in a mail program, or a page with one
button."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from billing_portal import pages
from billing_portal.pages import Button, Content
from dunning.mail import bounces, unsubscribing
from recovery import clock
from recovery.masking import mask_email


@csrf_exempt  # the token in the address is the credential; a mail program posts without a page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """GET shows a page and changes nothing (mail scanners follow links); POST stops the mail."""
    now = clock.now()
    token = request.GET.get("token", "")
    message = unsubscribing.find(token, now=now)
    if message is None:
        unknown = Content("unsubscribe_unknown", unsubscribing.PATH)
        reader = pages.reader(request, None)
        return pages.respond(request, unknown, reader=reader, merchant=None, status=400)
    is_asked = request.method == "POST"
    if is_asked:
        bounces.unsubscribed(message, now=now)
    content = Content(
        "unsubscribed" if is_asked else "unsubscribe", unsubscribing.PATH, {"token": token},
        facts={"address": mask_email(message.recipient)},
        buttons=[] if is_asked else [Button(request.get_full_path(), fields={})],
    )  # fmt: skip
    return pages.respond(
        request, content, reader=pages.reader(request, message.case.customer),
        merchant=message.case.merchant,
    )  # fmt: skip
