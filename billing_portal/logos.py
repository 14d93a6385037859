"""A merchant's logo as pages and mails show it."""

from dataclasses import dataclass

from recovery import logos
from recovery.models import Merchant

LOGO_PATH = "/fourthngoal/recover/logo"
LARGEST_SIDES = (240, 48)  # CSS pixels


@dataclass(frozen=True, slots=True)
class Logo:
    """Where it is served, its sides in CSS pixels, and which Ground it needs."""

    path: str
    width: int
    height: int
    ground: str


def shown(merchant: Merchant) -> Logo | None:
    kept = logos.of(merchant)
    if kept is None:
        return None
    scale = min(1, LARGEST_SIDES[0] / kept.width, LARGEST_SIDES[1] / kept.height)
    return Logo(
        path=f"{LOGO_PATH}/{kept.digest}.png",
        width=max(1, round(kept.width * scale)),
        height=max(1, round(kept.height * scale)),
        ground=kept.ground,
    )
