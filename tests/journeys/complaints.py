"""The table of complaints in docs/complaints.md, made from the tests that show them impossible.

`python -m tests.journeys.complaints` writes it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "complaints.md"
THEMES = {"mails": "Mails", "charges": "Charges", "cards": "New cards and links",
          "schedules": "Schedules, the order of events, explanations"}  # fmt: skip
HEAD = """# What users of other systems complain of

Each complaint about failed-payment recovery that we found in the issues of other projects, or that
follows from what their code lacks, and the test that shows that it is impossible here. The tests
go through the product's own doors: signed webhooks, its tasks, its pages, on a local Stripe. A
number is an issue or pull request of the project on GitHub; *lack* is what its code or documents,
as read in 2026, don't have.

One thing is out of our reach: Stripe's own mails about failed payments (2anki #3615) can't be seen
or switched off through its API. Switch them off in Stripe's Dashboard (Billing, Revenue recovery,
Emails), or customers hear of each failure twice.

Made from the tests by `python -m tests.journeys.complaints`.
"""


def text() -> str:
    return HEAD + "".join(_section(theme, title) for theme, title in THEMES.items())


def _section(theme: str, title: str) -> str:
    rows = "".join(
        f"| {complaint} | {source} | `{name}` |\n" for source, complaint, name in complaints(theme)
    )
    return f"\n## {title}\n\n| Complaint | Source | Shown impossible by |\n|---|---|---|\n{rows}"


def complaints(theme: str) -> Iterator[tuple[str, str, str]]:
    """Source, complaint and test of one theme, as the tests' docstrings say."""
    module = ast.parse((HERE / f"test_complaints_about_{theme}.py").read_text())
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            source, _colon, complaint = " ".join(
                (ast.get_docstring(node) or "").split()
            ).partition(": ")
            yield source, complaint, node.name


if __name__ == "__main__":
    TABLE.write_text(text())
