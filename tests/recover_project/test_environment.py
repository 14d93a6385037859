"""The environment is read strictly: what isn't understood stops the start."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from recover_project.environment import Environment

STRONG = "kJ8-2mQx_7vBn4TzR9wLp3Ys6HdGf1Ac"
# The same in every process: they are in the names of tests, which workers compare.
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()


def environment(run_dir: Path, **variables: str) -> Environment:
    return Environment(variables, run_dir=run_dir)


def test_text_is_stripped_and_blank_counts_as_unset(tmp_path: Path) -> None:
    found = environment(tmp_path, GIVEN="  a b\n", BLANK="  ")

    assert found.text("GIVEN", "else") == "a b"
    assert found.text("BLANK", "else") == "else"
    assert found.text("MISSING") == ""


def test_a_switch_for_trying_out_is_off_and_stops_production(tmp_path: Path) -> None:
    unset, on = environment(tmp_path), environment(tmp_path, TRY="on")

    assert unset.switch_for_trying_out("TRY", embedded=True) is False
    assert unset.switch_for_trying_out("TRY", embedded=False) is False
    assert on.switch_for_trying_out("TRY", embedded=True) is True
    with pytest.raises(ImproperlyConfigured, match=r"TRY is on and DEBUG is off\. Unset TRY"):
        on.switch_for_trying_out("TRY", embedded=False)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("true", True), ("on", True), ("1", True), ("ON", True), (" True ", True),
        ("false", False), ("off", False), ("0", False), ("Off", False),
    ],
)  # fmt: skip
def test_a_switch_has_six_spellings(tmp_path: Path, written: str, expected: bool) -> None:
    found = environment(tmp_path, DEBUG=written)

    assert found.boolean("DEBUG", default=not expected) is expected


@pytest.mark.parametrize("default", [True, False])
def test_a_switch_that_is_not_set_has_its_default(tmp_path: Path, default: bool) -> None:
    assert environment(tmp_path, DEBUG="").boolean("DEBUG", default=default) is default


@pytest.mark.parametrize("written", ["yes", "no", "2", "t", "truee", "none"])
def test_any_other_spelling_of_a_switch_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"DEBUG is '{written}'. Write one of: true"):
        environment(tmp_path, DEBUG=written).boolean("DEBUG", default=True)


@pytest.mark.parametrize(
    ("written", "expected"), [("", "text"), ("text", "text"), (" JSON ", "json")]
)
def test_one_of_a_few_is_chosen(tmp_path: Path, written: str, expected: str) -> None:
    found = environment(tmp_path, LOG_FORMAT=written)

    assert found.one_of("LOG_FORMAT", "text", "json") == expected


def test_none_of_the_few_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"LOG_FORMAT is 'xml'\. Write one of: text, json"
    ):
        environment(tmp_path, LOG_FORMAT="xml").one_of("LOG_FORMAT", "text", "json")


@pytest.mark.parametrize(("written", "expected"), [("0", 0), ("7", 7), (" 08 ", 8), ("", 5)])
def test_a_whole_number_is_read(tmp_path: Path, written: str, expected: int) -> None:
    assert environment(tmp_path, COUNT=written).whole_number("COUNT", default=5) == expected


@pytest.mark.parametrize("written", ["-1", "+1", "1.0", "1e3", "1_000", "one", "\u00b2", "0x1"])
def test_what_is_no_whole_number_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="Write a whole number"):
        environment(tmp_path, COUNT=written).whole_number("COUNT", default=5)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("a, b,,c ", ["a", "b", "c"]), ("a", ["a"]), (" , ", ["else"]), ("", ["else"])],
)
def test_a_list_is_separated_by_commas(tmp_path: Path, written: str, expected: list[str]) -> None:
    assert environment(tmp_path, HOSTS=written).items("HOSTS", ["else"]) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://pay.example.com/", "https://pay.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000//", "http://[::1]:8000"),
        ("", ""),
    ],
)
def test_an_address_ends_in_no_slash(tmp_path: Path, written: str, expected: str) -> None:
    assert environment(tmp_path, PUBLIC_URL=written).base_url("PUBLIC_URL") == expected


@pytest.mark.parametrize(
    "written", ["pay.example.com", "ftp://x.org", "https://", "//x.org", "http://[::1", "https:x"]
)
def test_what_is_no_web_address_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="Write it as https://host"):
        environment(tmp_path, PUBLIC_URL=written).base_url("PUBLIC_URL")


@pytest.mark.parametrize("embedded", [True, False])
def test_a_strong_secret_is_taken_as_it_is(tmp_path: Path, embedded: bool) -> None:
    found = environment(tmp_path, SECRET_KEY=STRONG)

    assert found.secret("SECRET_KEY", embedded=embedded) == STRONG
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "weak", ["", " ", STRONG[:31], "a" * 64, "abcdefg" * 9, "changeme-changeme-changeme-changeme"]
)
def test_production_refuses_a_weak_secret(tmp_path: Path, weak: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is missing or too weak") as refusal:
        environment(tmp_path, SECRET_KEY=weak).secret("SECRET_KEY", embedded=False)

    assert "secrets.token_urlsafe(48)" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_weak_secret_that_is_set_is_refused_in_the_embedded_mode_too(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured):
        environment(tmp_path, SECRET_KEY="short").secret("SECRET_KEY", embedded=True)


def test_the_embedded_mode_makes_a_secret_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    first = environment(tmp_path).secret("SECRET_KEY", embedded=True)
    second = environment(tmp_path).secret("SECRET_KEY", embedded=True)

    assert len(first) == 44
    assert second == first
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    def start(_: int) -> str:
        return environment(tmp_path).secret("SECRET_KEY", embedded=True)

    with ThreadPoolExecutor(16) as processes:
        found = set(processes.map(start, range(64)))

    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_process_that_comes_second_takes_the_first_ones_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def beaten(draft: Path, path: Path) -> None:
        path.write_text("the first one's")
        link(draft, path)

    monkeypatch.setattr("recover_project.environment.os.link", beaten)

    assert environment(tmp_path).secret("SECRET_KEY", embedded=True) == "the first one's"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_encryption_keys_keep_their_order(tmp_path: Path) -> None:
    found = environment(tmp_path, KEYS=f"{KEY}, {OTHER_KEY}")

    assert found.encryption_keys("KEYS", embedded=False) == [KEY, OTHER_KEY]


@pytest.mark.parametrize(
    "written",
    ["", "short", "\u00e9" * 44, f"{KEY},short", f"{KEY[:-2]}", f"{KEY},{'A' * 43}="],
)
def test_production_refuses_what_is_no_encryption_key(tmp_path: Path, written: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="KEYS must be one or more Fernet keys"):
        environment(tmp_path, KEYS=written).encryption_keys("KEYS", embedded=False)


def test_the_embedded_mode_makes_its_own_encryption_key(tmp_path: Path) -> None:
    first = environment(tmp_path).encryption_keys("KEYS", embedded=True)
    second = environment(tmp_path).encryption_keys("KEYS", embedded=True)

    Fernet(first[0])
    assert second == first


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1:8000", "http://localhost", "http://[::1]:1"]
)
@pytest.mark.parametrize("named", ["", "127.0.0.1,localhost,[::1]", "localhost"])
def test_the_embedded_mode_serves_this_machine(tmp_path: Path, named: str, url: str) -> None:
    served = environment(tmp_path, HOSTS=named).hosts("HOSTS", public_url=url, embedded=True)

    assert served == ["127.0.0.1", "localhost", "[::1]"]


@pytest.mark.parametrize(
    ("hosts", "url", "named"),
    [
        ("localhost,pay.example.com", "", "pay.example.com"),
        ("*", "http://localhost", "*"),
        ("0.0.0.0", "", "0.0.0.0"),
        ("localhost", "https://pay.example.com", "pay.example.com"),
        (".localhost", "", ".localhost"),
    ],
)
def test_the_embedded_mode_serves_nobody_else(
    tmp_path: Path, hosts: str, url: str, named: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        environment(tmp_path, HOSTS=hosts).hosts("HOSTS", public_url=url, embedded=True)

    assert f"{named!r} is not this machine" in str(refusal.value)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("", ["pay.example.com"]),
        ("recover.internal", ["pay.example.com", "recover.internal"]),
        ("pay.example.com, www.example.com", ["pay.example.com", "www.example.com"]),
    ],
)
def test_production_serves_its_public_name_whatever_names_are_added(
    tmp_path: Path, named: str, expected: list[str]
) -> None:
    served = environment(tmp_path, HOSTS=named).hosts(
        "HOSTS", public_url="https://pay.example.com/", embedded=False
    )

    assert served == expected


def test_this_process_keeps_its_files_where_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_DIR", str(tmp_path / "deep" / "run"))
    monkeypatch.setenv("COUNT", "3")

    found = Environment.of_this_process(tmp_path)

    assert found.run_dir == tmp_path / "deep" / "run"
    assert found.run_dir.is_dir()
    assert found.whole_number("COUNT", default=0) == 3


def test_this_process_keeps_its_files_beside_the_code_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUN_DIR", raising=False)

    assert Environment.of_this_process(tmp_path).run_dir == tmp_path / "run"
    assert (tmp_path / "run").is_dir()
