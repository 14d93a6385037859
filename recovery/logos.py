"""Merchants' logos: kept here, so that a page or a mail asks nobody else for one."""

import hashlib

from recovery import pictures
from recovery.models import Merchant, MerchantLogo


def of(merchant: Merchant) -> MerchantLogo | None:
    """A merchant's logo without its content, which the page that shows it doesn't need; None
    as well for a merchant who is made up. One that came along with its merchant is not looked up
    again."""
    if merchant.pk is None:
        return None
    if Merchant.logo.is_cached(merchant):
        return getattr(merchant, "logo", None)
    return MerchantLogo.objects.of(merchant).defer("content").first()


def content(*, digest: str) -> bytes | None:
    """The PNG that has this digest, whoever it belongs to: merchants may have the same."""
    kept = MerchantLogo.objects.filter(digest=digest).order_by("id")
    found = kept.values_list("content", flat=True).first()
    return None if found is None else bytes(found)


def put(*, merchant: Merchant, given: bytes) -> None:
    """Raises PictureError, and then the merchant's logo is what it was."""
    picture = pictures.refit(given)
    MerchantLogo.objects.update_or_create(
        merchant=merchant,
        defaults={
            "digest": hashlib.sha256(picture.content).hexdigest(),
            "content": picture.content,
            "width": picture.width,
            "height": picture.height,
            "ground": picture.ground,
        },
    )


def remove(*, merchant: Merchant) -> None:
    MerchantLogo.objects.of(merchant).delete()
