"""A picture that somebody gives us, made anew: small, and with nothing in it but the picture.

What comes out is a PNG, which every mail program shows, of at most LARGEST_SIDES pixels and
HEAVIEST bytes.
"""

import enum
import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageOps, ImageStat

LARGEST_GIVEN = 5 * 1024 * 1024  # bytes
MOST_PIXELS = 25_000_000  # of what is given: a small file can unfold to gigabytes
LARGEST_SIDES = (480, 96)  # pixels: twice what is shown, for sharp screens
HEAVIEST = 20_000  # bytes
# One that is too heavy gets fewer colors first, then fewer pixels.
SHRINKING = (1.0, 0.75, 0.5, 0.25)
FEWER_COLORS = (256, 64)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")  # none that holds scripts or names other files
PALE_FROM = 200  # of 255: WCAG's contrast with white is below 1.7 then
UNREADABLE = (OSError, EOFError, SyntaxError, ValueError, struct.error)  # as Pillow says it


class PictureError(Exception):
    """It can't be used; the text says why."""


class Ground(enum.StrEnum):
    """What a picture is to be seen on."""

    OWN = "own"  # it brings it
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and its sides in pixels."""

    content: bytes
    width: int
    height: int
    ground: Ground


def refit(given: bytes) -> Picture:
    """Raises PictureError."""
    if len(given) > LARGEST_GIVEN:
        raise PictureError(f"The file is larger than {LARGEST_GIVEN // 1024**2} MB.")
    whole = _read(given)
    whole.thumbnail(LARGEST_SIDES, Image.Resampling.LANCZOS)
    content, (width, height) = next(
        made for made in _ever_smaller(whole) if len(made[0]) <= HEAVIEST
    )
    return Picture(content, width, height, _ground(whole))


def _read(given: bytes) -> Image.Image:
    """The first frame, the right way up, in red, green, blue and alpha; none of the comments,
    positions and profiles that came with it."""
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            opened = Image.open(io.BytesIO(given), formats=FORMATS)
        if opened.width * opened.height > MOST_PIXELS:
            raise PictureError(f"It has more than {MOST_PIXELS // 10**6} million pixels.")
        image = ImageOps.exif_transpose(opened).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise PictureError(f"It has more than {MOST_PIXELS // 10**6} million pixels.") from error
    except UNREADABLE as error:
        raise PictureError("It is no PNG, JPEG, WebP or GIF that can be read.") from error
    image.info = {}
    return image


def _ever_smaller(whole: Image.Image) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """PNGs with their sides. The last has too few pixels to be too heavy."""
    for scale in SHRINKING:
        image = whole.copy()
        image.thumbnail((LARGEST_SIDES[0] * scale, LARGEST_SIDES[1] * scale))
        for colors in (None, *FEWER_COLORS):
            drawn = image.quantize(colors, Image.Quantize.FASTOCTREE) if colors else image
            yield _png(drawn), image.size


def _png(image: Image.Image) -> bytes:
    drawn = io.BytesIO()
    image.save(drawn, "PNG", optimize=True)
    return drawn.getvalue()


def _ground(image: Image.Image) -> Ground:
    """Light ink on no ground of its own can't be seen on a light page, nor dark on a dark one."""
    alpha = image.getchannel("A")
    if alpha.getextrema()[0] == 255:  # opaque all over
        return Ground.OWN
    if not alpha.getbbox():  # nothing there
        return Ground.LIGHT
    ink = ImageStat.Stat(image.convert("L"), mask=alpha).mean[0]
    return Ground.DARK if ink >= PALE_FROM else Ground.LIGHT
