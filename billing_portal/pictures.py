"""The merchants' logos, to whoever has seen one in a mail or on a page."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from recovery import logos

FOREVER = "public, max-age=31536000, immutable"  # another picture has another address


@require_safe
def logo(_request: HttpRequest, digest: str) -> HttpResponse:
    content = logos.content(digest=digest)
    if content is None:
        raise Http404
    return HttpResponse(content, content_type="image/png", headers={"Cache-Control": FOREVER})
