"""What is made of the pictures that people give us."""

import random

import pytest
from PIL import Image, PngImagePlugin

from recovery import pictures
from recovery.pictures import HEAVIEST, LARGEST_GIVEN, PictureError, refit
from tests.drawings import INK, NOTHING, PALE, drawn, file_of, wordmark

SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def noise(sides: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """What compresses worst."""
    content = random.Random(1).randbytes(sides[0] * sides[1] * len(mode))
    return Image.frombytes(mode, sides, content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_whatever_comes_in_a_small_png_goes_out(kind: str) -> None:
    given = wordmark(ground="white").convert("RGB")
    made = refit(file_of(given, kind))

    assert drawn(made.content).format == "PNG"
    assert (made.width, made.height) == drawn(made.content).size == (480, 96)
    assert len(made.content) < 5000


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((480, 96), (480, 96)), ((960, 192), (480, 96)), ((2000, 2000), (96, 96)),
        ((4800, 96), (480, 10)), ((20_000, 1), (480, 1)), ((1, 1000), (1, 96)),
        ((16, 16), (16, 16)),  # what is small isn't blown up
    ],
)  # fmt: skip
def test_it_fits_and_keeps_its_shape(given: tuple[int, int], made: tuple[int, int]) -> None:
    fitted = refit(file_of(Image.new("RGB", given, "red")))

    assert (fitted.width, fitted.height) == made


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_way_of_writing_colors_is_read(mode: str) -> None:
    assert drawn(refit(file_of(Image.new(mode, (9, 9)))).content).size == (9, 9)


def test_what_is_printed_in_four_colors_is_read_too() -> None:
    assert drawn(refit(file_of(Image.new("CMYK", (9, 9)), "JPEG")).content).size == (9, 9)


def test_of_what_moves_the_first_frame_stays() -> None:
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    given = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])

    made = drawn(refit(given).content)

    assert made.convert("RGB").getpixel((4, 4)) == (255, 0, 0)
    assert getattr(made, "n_frames", 1) == 1


def test_nothing_stays_that_came_with_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x9286] = 6, "where it was taken"  # turned by a quarter; a comment
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Author", "Jo Doe")
    given = file_of(
        wordmark(sides=(40, 20)), exif=exif, pnginfo=comment, icc_profile=b"profile", dpi=(72, 72)
    )

    made = refit(given)

    assert drawn(made.content).info == {}
    assert b"Jo Doe" in given
    assert b"Jo Doe" not in made.content
    assert (made.width, made.height) == (20, 40)  # and it stands upright


def test_a_heavy_one_loses_colors_before_it_loses_pixels() -> None:
    heavy = refit(file_of(noise((170, 96))))
    heavier = refit(file_of(noise((480, 96))))

    assert (heavy.width, heavy.height) == (170, 96)
    assert heavier.width < 480
    assert max(len(heavy.content), len(heavier.content)) <= HEAVIEST
    assert drawn(heavy.content).mode == "P"


def test_the_smallest_that_is_tried_is_always_light_enough() -> None:
    fewest = drawn(file_of(noise((120, 24)).quantize(64, Image.Quantize.FASTOCTREE)))

    assert len(file_of(fewest)) < HEAVIEST / 4
    assert pictures.SHRINKING[-1] * pictures.LARGEST_SIDES[0] == fewest.width


@pytest.mark.parametrize(
    ("ink", "paper", "ground"),
    [
        (PALE, NOTHING, "dark"), (INK, NOTHING, "light"), (PALE, INK, "own"), (INK, PALE, "own"),
        (NOTHING, NOTHING, "light"),
    ],
)  # fmt: skip
def test_it_is_seen_on_what_its_ink_can_be_read_on(
    ink: tuple[int, ...], paper: tuple[int, ...], ground: str
) -> None:
    assert refit(file_of(wordmark(ink, ground=paper))).ground == ground


UNREADABLE = "It is no PNG, JPEG, WebP or GIF that can be read."
TOO_MANY = "It has more than 25 million pixels."


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (b"", UNREADABLE), (b"a logo", UNREADABLE), (SCRIPT, UNREADABLE),
        (file_of(Image.new("RGB", (9, 9)), "BMP"), UNREADABLE),
        (file_of(Image.new("RGB", (9, 9)), "TIFF"), UNREADABLE),
        (file_of(wordmark())[:200], UNREADABLE),
        (file_of(Image.new("1", (5001, 5000))), TOO_MANY),
        (file_of(Image.new("1", (10_000, 10_000))), TOO_MANY),  # Pillow warns of it
        (file_of(Image.new("1", (20_000, 20_000))), TOO_MANY),  # Pillow refuses it
        (b"\x89PNG\r\n\x1a\n" + b"x" * LARGEST_GIVEN, "The file is larger than 5 MB."),
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_picture_or_a_bomb_is_refused_in_a_sentence(
    given: bytes, sentence: str
) -> None:
    with pytest.raises(PictureError) as refused:
        refit(given)

    assert str(refused.value) == sentence


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_broken_file_is_a_picture_or_refused_and_nothing_else(kind: str) -> None:
    chance = random.Random(kind)
    whole = file_of(wordmark(sides=(40, 20)).convert("RGB"), kind)
    refused = 0
    for _file in range(200):
        broken = bytearray(whole)
        for _place in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            assert len(refit(bytes(broken)).content) <= HEAVIEST
        except PictureError:
            refused += 1

    assert refused > 20


def test_the_smallest_of_all_tries_is_light_enough_whatever_it_shows() -> None:
    tries = [len(png) for png, _sides in pictures._ever_smaller(noise((480, 96), "RGBA"))]

    assert tries[0] > HEAVIEST
    assert tries[-1] <= HEAVIEST
