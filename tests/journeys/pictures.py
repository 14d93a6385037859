"""What the browser shows, to be looked at: RECOVER_PICTURES names the folder, and without it
nobody waits for pictures."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page


def take(page: Page, name: str) -> None:
    """In a folder of the test's own."""
    if folder := os.environ.get("RECOVER_PICTURES"):
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[2].rpartition(" ")[0]
        page.screenshot(path=Path(folder) / slug(test) / f"{slug(name)}.png", full_page=True)


def slug(text: str) -> str:
    return re.sub(r"[^\w-]+", "_", text).strip("_")
