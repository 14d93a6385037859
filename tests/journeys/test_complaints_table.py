"""The table of complaints says what the tests show, each with its source."""

import re

from tests.journeys.complaints import TABLE, THEMES, complaints, text

SOURCE = re.compile(r"[\w./ -]+ (#\d+(, #\d+)*|\(lack\)|\"[\w-]+\")")


def test_the_table_of_complaints_is_the_one_that_the_tests_tell() -> None:
    """Make it anew with `python -m tests.journeys.complaints`."""
    assert TABLE.read_text() == text()


def test_each_complaint_names_its_source() -> None:
    for theme in THEMES:
        for source, complaint, name in complaints(theme):
            assert complaint.endswith((".", "?")), name
            for project in source.split("; "):
                assert SOURCE.fullmatch(project), (name, project)
