"""What a log line may show."""

import logging

import pytest

from recover_project.logs import Line, Redact, redact


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("to maria@gmail.com.", "to ma***@gmail.com."),
        ("jo@x.org, j@x.org", "j***@x.org, j***@x.org"),
        ("<first.last+tag@mail.x.co.uk>", "<fi***@mail.x.co.uk>"),
        ("already ma***@gmail.com", "already ma***@gmail.com"),
        ("sk_live_51HabcDEF failed", "sk_live_*** failed"),
        ("rk_test_abc, pk_live_abc", "rk_test_***, pk_live_***"),
        ("whsec_abc+/=-9 is old", "whsec_*** is old"),
        ("Bearer eyJhbGciOi.eyJzdWIi.sig-_1!", "Bearer [token]!"),
        ("rik_a-b_c9", "rik_***"),
        ("GET /update?token=abc.def&x=1", "GET /update?token=***&x=1"),
        ("?a=1&token=abc 200", "?a=1&token=*** 200"),
        ("/update/return?r=abc.def&lang=de", "/update/return?r=***&lang=de"),
        ("<td>?lang=de&amp;token=abc</td>", "<td>?lang=de&amp;token=***</td>"),
        ("cut short: 'eyJhbGciOiJIUzI1NiJ9.eyJq…", "cut short: '[token]…"),
        ("/update?for=2&her=1", "/update?for=2&her=1"),
        ("postgres://recover:pass@db.example.com/x", "postgres://recover:***@db.example.com/x"),
        ("redis://:pass@redis:6379/0", "redis://:***@redis:6379/0"),
        ("redis://:pass@redis.example.com/0", "redis://:***@redis.example.com/0"),
        ("case_7m2k was paid: 49.90 usd at 12:00", "case_7m2k was paid: 49.90 usd at 12:00"),
        ("https://example.com:8000/path", "https://example.com:8000/path"),
        ("", ""),
    ],
)
def test_a_line_names_no_person_and_shows_no_secret(said: str, written: str) -> None:
    assert redact(said) == written
    assert redact(written) == written


def test_arguments_are_redacted_with_the_message() -> None:
    record = logging.LogRecord(
        "recovery", logging.INFO, "cases.py", 1, "%s to %s, 100%%", ("sk_live_a", "jo@x.org"), None
    )

    assert Redact().filter(record) is True
    assert Line().format(record).endswith(" INFO recovery: sk_live_*** to j***@x.org, 100%")


def test_a_traceback_is_redacted_too() -> None:
    error = ValueError("whsec_abc of maria@gmail.com")
    told = (ValueError, error, None)
    record = logging.LogRecord("recovery", logging.ERROR, "cases.py", 1, "failed", (), told)

    line = Line().format(record)

    assert "ValueError: whsec_*** of ma***@gmail.com" in line
    assert "whsec_abc" not in line


def test_a_line_of_text_that_is_all_word_is_read_in_no_time() -> None:
    long = "a" * 200_000

    assert redact(long) == long
