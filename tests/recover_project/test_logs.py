"""What a log line may show."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recover_project.logs import Json, Line, Redact, redact
from recovery.log_context import about, also, current
from tests.programs import printed


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


def record(message: str, *arguments: object, error: BaseException | None = None) -> Any:
    told = (type(error), error, None) if error else None
    made = logging.LogRecord("recovery", logging.INFO, "cases.py", 1, message, arguments, told)
    Redact().filter(made)
    return made


def test_a_line_says_what_it_is_about() -> None:
    with about(debt="in_1", case="case_1"):
        line = Line().format(record("paid"))

    assert line.endswith(" INFO recovery: paid [debt=in_1 case=case_1]")
    assert Line().format(record("paid")).endswith(" INFO recovery: paid")


def test_what_a_line_is_about_ends_where_that_ends() -> None:
    with about(debt="in_1"):
        with about(event="evt_1"):
            also(case="case_1")
            assert current() == {"debt": "in_1", "event": "evt_1", "case": "case_1"}
        assert current() == {"debt": "in_1"}
    assert current() == {}


def test_no_id_that_came_from_outside_begins_a_line_or_names_anybody() -> None:
    with about(debt="in_1\n2026-11-27 INFO recovery: paid", event="jo@example.com"):
        [line] = Line().format(record("paid")).splitlines()
        [of_json] = Json().format(record("paid")).splitlines()

    assert "event=j***@example.com" in line
    assert json.loads(of_json)["event"] == "j***@example.com"


def test_a_line_of_json_says_when_where_and_what() -> None:
    with about(debt="in_1"):
        line = json.loads(Json().format(record("%s\nsent", "jo@x.org")))

    assert datetime.fromisoformat(line.pop("at")).utcoffset() == timedelta(0)
    assert line == {
        "level": "INFO", "logger": "recovery", "message": "j***@x.org\nsent", "debt": "in_1"
    }  # fmt: skip


def test_a_traceback_is_one_line_of_json_and_redacted() -> None:
    [line] = Json().format(record("failed", error=ValueError("sk_live_abc"))).splitlines()

    assert json.loads(line)["error"] == "ValueError: sk_live_***"


@pytest.mark.parametrize(("told", "level"), [({}, "20"), ({"LOG_LEVEL": "warning"}, "30")])
def test_what_goes_well_is_said_unless_that_is_too_much(
    tmp_path: Path, told: dict[str, str], level: str
) -> None:
    ask = "import logging; print(logging.getLogger('recovery.webhooks').getEffectiveLevel())"

    assert printed("web", ask, run_dir=tmp_path, **told) == f"{level}\n"
