"""python -m tests.demo.pictures: the README's picture, taken anew from the running product."""

import re
import shutil
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.journeys.product import ROOT, Product, mail_server, running, wait_for

PICTURE = ROOT / "docs" / "pictures" / "recover.png"
PHONE = {"width": 360, "height": 700}
SHEET = """
<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 28px; background: #e9edf3; font: 600 17px system-ui, sans-serif;
  color: #16181d; display: flex; gap: 28px; width: 1136px; box-sizing: border-box; }}
figure {{ margin: 0; flex: 1; }} figcaption {{ margin-block-end: 12px; }}
img {{ width: 100%; display: block; border-radius: 14px; box-shadow: 0 3px 18px #16181d2b; }}
</style>{figures}
"""


def main() -> int:
    program = shutil.which("chromium")
    if program is None:
        print("Install chromium first (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        mail_server() as (port, sink),
        running(Path(folder), EMAIL_URL=f"smtp://127.0.0.1:{port}") as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        _take(browser, product, lambda: wait_for(lambda: sink.mails)[0])
    return 0


def _take(browser: Browser, product: Product, first_mail: object) -> None:
    page = browser.new_page(viewport=PHONE, device_scale_factor=2)  # type: ignore[arg-type]
    page.goto(product.stripe)
    page.get_by_role("button", name="Make the renewal fail").click()
    mail = first_mail()  # type: ignore[operator]
    shots = []
    page.set_content(mail.get_body(("html",)).get_content())
    shots.append(("1. The customer gets a mail", page.screenshot()))
    link = re.search(r"http\S+/update\?token=\S+", mail.get_body(("plain",)).get_content())
    assert link
    page.goto(link.group())
    shots.append(("2. opens the page behind it", page.screenshot()))
    page.get_by_role("button", name="Update payment details").click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Expiry").fill("12 / 40")
    page.get_by_label("CVC").fill("123")
    page.get_by_role("button", name="Save card").click()
    page.get_by_role("heading", name="all set").wait_for()
    shots.append(("3. and has paid", page.screenshot()))
    figures = "".join(
        f'<figure><figcaption>{caption}</figcaption><img src="data:image/png;base64,'
        f'{b64encode(shot).decode()}"></figure>'
        for caption, shot in shots
    )
    sheet = browser.new_page(viewport={"width": 1136, "height": 100})
    sheet.set_content(SHEET.format(figures=figures))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    sheet.screenshot(path=PICTURE, full_page=True)


if __name__ == "__main__":
    sys.exit(main())
