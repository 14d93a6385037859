"""brand_merchant: what may be set, what is refused, and where it is seen."""

import hashlib
from pathlib import Path

import pytest

from recovery.models import Merchant, MerchantLogo
from tests.builders import make_merchant
from tests.drawings import INK, PALE, drawn, file_of, wordmark
from tests.recovery.test_commands import refused, run

pytestmark = pytest.mark.django_db
BRAND = {
    "product_name": "Fern Tea", "color": "#0A6847",
    "support_email": "help@fern.example", "sender_email": "billing@fern.example",
}  # fmt: skip


def brand(merchant: Merchant, **given: str) -> dict[str, str]:
    """What the command prints, by name."""
    options = [part for name, value in given.items()
               for part in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
    lines = run("brand_merchant", merchant.public_id, *options).splitlines()
    return {line[:16].strip(): line[16:] for line in lines}


def test_all_of_it_at_once_is_kept_and_printed() -> None:
    merchant = make_merchant()

    assert brand(merchant, **BRAND) == BRAND | {"logo": "none"}
    merchant.refresh_from_db()
    assert {name: getattr(merchant, name) for name in BRAND} == BRAND


@pytest.mark.parametrize("name", BRAND)
def test_one_of_it_leaves_the_others_as_they_are(name: str) -> None:
    merchant = make_merchant("Moss")
    before = brand(merchant)
    assert before == {
        "product_name": "Moss", "color": "#1f5eff", "support_email": "none",
        "sender_email": "none", "logo": "none",
    }  # fmt: skip

    assert brand(merchant, **{name: f" {BRAND[name]} "}) == before | {name: BRAND[name]}


@pytest.mark.parametrize("name", ["support_email", "sender_email"])
def test_what_may_be_absent_is_taken_away_again(name: str) -> None:
    merchant = make_merchant()
    brand(merchant, **BRAND)

    assert brand(merchant, **{name: ""})[name] == "none"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--product-name", " ", "This field cannot be blank."),
        ("--color", "green", "Write it as #rrggbb."),
        ("--color", "#fff;}", "Write it as #rrggbb."),
        ("--color", "", "This field cannot be blank."),
        ("--logo", "https://fern.example/logo.png",
         "https://fern.example/logo.png can't be read: No such file or directory."),
        ("--logo", "/", "/ can't be read: Is a directory."),
        ("--support-email", "help", "Enter a valid email address."),
        ("--sender-email", "Fern <billing@fern.example>", "Enter a valid email address."),
        ("--sender-email", "a@b.example\nBcc: c@d.example", "Enter a valid email address."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_kept(
    option: str, value: str, sentence: str
) -> None:
    merchant = make_merchant()
    before = Merchant.objects.values().get()

    said = refused("brand_merchant", merchant.public_id, "--product-name", "New", option, value)

    assert said == f"{option}: {sentence}"
    assert Merchant.objects.values().get() == before


def test_nobody_is_branded_who_is_not_there() -> None:
    assert refused("brand_merchant", "mer_x", "--color", "#000000") == (
        "There is no merchant mer_x."
    )


# --- the logo ---------------------------------------------------------------------------------


def logo_file(folder: Path, ink: tuple[int, ...] = INK) -> str:
    path = folder / f"{ink[0]}.png"
    path.write_bytes(file_of(wordmark(ink)))
    return str(path)


def test_a_logo_is_kept_as_it_is_shown(tmp_path: Path) -> None:
    merchant = make_merchant()
    printed = brand(merchant, logo=logo_file(tmp_path))

    logo = MerchantLogo.objects.of(merchant).get()
    assert drawn(bytes(logo.content)).size == (logo.width, logo.height) == (480, 96)
    assert logo.digest == hashlib.sha256(bytes(logo.content)).hexdigest()
    assert printed["logo"] == f"480 x 96, {logo.digest[:8]}"


def test_another_logo_takes_the_place_of_the_first_and_the_same_one_changes_nothing(
    tmp_path: Path,
) -> None:
    merchant = make_merchant()
    first = brand(merchant, logo=logo_file(tmp_path))["logo"]
    again = brand(merchant, logo=logo_file(tmp_path))["logo"]
    second = brand(merchant, logo=logo_file(tmp_path, PALE))["logo"]

    assert first == again != second
    assert MerchantLogo.objects.get().ground == "dark"


@pytest.mark.parametrize("word", ["none", ""])
def test_a_logo_is_taken_away_again_and_the_other_merchants_stays(
    tmp_path: Path, word: str
) -> None:
    merchant, other = make_merchant(), make_merchant("Moss")
    for each in (merchant, other):
        brand(each, logo=logo_file(tmp_path))

    assert brand(merchant, logo=word)["logo"] == "none"
    assert [logo.merchant for logo in MerchantLogo.objects.all()] == [other]


def test_what_else_is_set_leaves_the_logo(tmp_path: Path) -> None:
    merchant = make_merchant()
    before = brand(merchant, logo=logo_file(tmp_path))["logo"]

    assert brand(merchant, color="#000000")["logo"] == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "{path} is empty."),
        (b"<svg/>", "It is no PNG, JPEG, WebP or GIF that can be read."),
        (b"x" * (5 * 1024 * 1024 + 1), "The file is larger than 5 MB."),
    ],
    ids=["empty", "drawn", "large"],
)
def test_a_bad_file_is_said_in_a_sentence_and_nothing_is_lost(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    merchant, bad = make_merchant(), tmp_path / "bad.png"
    brand(merchant, logo=logo_file(tmp_path))
    bad.write_bytes(content)
    before = Merchant.objects.values().get(), MerchantLogo.objects.values().get()

    said = refused("brand_merchant", merchant.public_id, "--color", "#000000", "--logo", str(bad))

    assert said == f"--logo: {sentence.format(path=bad)}"
    assert (Merchant.objects.values().get(), MerchantLogo.objects.values().get()) == before
