"""Pictures to give to Recover, as files have them."""

import io
import random
from math import prod
from typing import Any

from PIL import Image, ImageDraw

INK, PALE = (10, 104, 71, 255), (244, 247, 250, 255)
NOTHING = (0, 0, 0, 0)


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def wordmark(
    ink: tuple[int, ...] = INK, *, sides: tuple[int, int] = (480, 96), ground: Any = NOTHING
) -> Image.Image:
    """Strokes as of a few letters, on no ground of their own unless one is given."""
    image = Image.new("RGBA", sides, ground)
    pen = ImageDraw.Draw(image)
    step = max(1, sides[0] // 12)
    for left in range(step // 2, sides[0] - step, step):
        pen.rectangle((left, sides[1] // 4, left + step // 2, sides[1] * 3 // 4), fill=ink)
    return image


def photographed(image: Image.Image) -> Image.Image:
    """As a camera sees it, with its grain: what weighs most when it is small."""
    grain = Image.frombytes("RGB", image.size, random.Random(1).randbytes(3 * prod(image.size)))
    paper = Image.blend(Image.new("RGB", image.size, "white"), grain, 0.2)
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def drawn(content: bytes) -> Image.Image:
    """Loaded, so that what can't be read fails here."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
