"""What all pages share: the frame, the loud banner, money and small pieces of HTML."""

from html import escape
from pathlib import Path

from tests.local_stripe.exchange import Reply

BANNER = "Local Stripe — a stand-in for trying Recover. Not Stripe. No real money, no real cards."
_STYLE = (Path(__file__).parent / "style.css").read_text()
_WITHOUT_MINOR_UNITS = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}


def frame(title: str, body: str, *, is_narrow: bool = True) -> str:
    """A whole page around `body`, which is HTML already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)} — Local Stripe, not Stripe'
        f"</title><style>{_STYLE}</style></head><body>"
        f'<div class="not-stripe" role="note">{BANNER}</div>'
        f'<main class="{"narrow" if is_narrow else "wide-page"}">{body}</main></body></html>'
    )


def html(page: str, *, status: int = 200) -> Reply:
    return Reply(status, page.encode(), dict(_HEADERS), content_type="text/html; charset=utf-8")


def see_other(url: str) -> Reply:
    return Reply(303, b"", {**_HEADERS, "Location": url}, content_type="text/plain")


def message_page(text: str, *, back: str | None = None) -> str:
    return frame(text, f"<h1>{escape(text)}</h1>{link_back(back)}")


def link_back(url: str | None) -> str:
    return f'<p><a href="{escape(url)}">← Back</a></p>' if is_link(url) and url else ""


def is_link(url: str | None) -> bool:
    """Only what leads to a web page is offered as one."""
    return url is not None and url.startswith(("http://", "https://", "/"))


def notice(text: str | None, *, tone: str = "bad") -> str:
    return f'<p class="message {tone}" role="alert">{escape(text)}</p>' if text else ""


def money(amount: int, currency: str) -> str:
    """`49.00 USD`: amounts are in the currency's smallest unit."""
    shown = f"{amount:,}" if currency in _WITHOUT_MINOR_UNITS else f"{amount / 100:,.2f}"
    return f"{shown} {currency.upper()}"


def button(
    path: str, label: str, fields: dict[str, str] | None = None, *, style: str = "quiet small"
) -> str:
    """A form of one button."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in (fields or {}).items()
    )
    return (
        f'<form class="inline" method="post" action="{escape(path)}">{hidden}'
        f'<button class="{style}">{escape(label)}</button></form>'
    )


def table(headings: list[str], rows: list[list[str]]) -> str:
    """`rows` are HTML already."""
    if not rows:
        return '<p class="soft">None yet.</p>'
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
