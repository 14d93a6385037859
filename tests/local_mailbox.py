"""python -m tests.local_mailbox --port N --folder DIR: reads the mail that Django filed."""

import argparse
import email
import email.policy
import re
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

# What Django's file backend writes after each message.
END_OF_MAIL = re.compile(rb"\r?\n-{79}\r?\n")
SHOWN_HEADERS = ("From", "To", "Reply-To", "Date")
LINKS_ONLY = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; frame-src 'self'"
STYLE = """
:root { color-scheme: light dark; --ink: #1a1f36; --soft: #5a6172; --line: #d9dde5; --paper: #fff;
  --ground: #f4f6fa; --accent: #4f46e5; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef4; --soft: #a3abbd; --line: #343b4d;
  --paper: #1b2030; --ground: #11141e; --accent: #a5a0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.local { background: #0f5c4d; color: #fff; text-align: center; padding: .6rem 1rem;
  font-weight: 650; }
main { max-width: 48rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
h1 { font-size: 1.4rem; line-height: 1.3; } a { color: var(--accent); }
ul { list-style: none; margin: 0; padding: 0; } .soft { color: var(--soft); font-size: .9rem; }
li a, iframe, .none, details { display: block; background: var(--paper); padding: .8rem 1rem;
  border: 1px solid var(--line); border-radius: 12px; margin: .6rem 0; }
li a { color: inherit; text-decoration: none; min-height: 44px; }
li a:hover b { text-decoration: underline; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .9rem; } dd { margin: 0; }
dt { color: var(--soft); } pre { white-space: pre-wrap; margin: .6rem 0 0; font-size: .85rem; }
iframe { width: 100%; height: 75vh; min-height: 26rem; padding: 0; background: #fff;
  color-scheme: light; }
nav a { display: inline-block; padding: .6rem 1rem .6rem 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""


@dataclass(frozen=True)
class Mail:
    id: str
    sent_at: datetime
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "(no subject)")

    def part(self, kind: str) -> str | None:
        """The body as `html` or `plain`, or None where the mail has no such part."""
        body = self.message.get_body((kind,))
        return None if body is None else str(body.get_content())


def mails(folder: Path) -> list[Mail]:
    """Every mail that is written to its end, newest first."""
    found = []
    for path in folder.glob("*.log"):
        written_at = path.stat().st_mtime_ns
        # What follows the last line of dashes is a mail that is still being written.
        for index, content in enumerate(END_OF_MAIL.split(path.read_bytes())[:-1]):
            mail = _mail(f"{path.stem}-{index}", content)
            found.append((mail.sent_at, written_at, index, mail))
    return [mail for *_, mail in sorted(found, key=lambda entry: entry[:3], reverse=True)]


def _mail(id_: str, content: bytes) -> Mail:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    try:
        sent_at = parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        sent_at = datetime.fromtimestamp(0, UTC)
    return Mail(id=id_, sent_at=sent_at.replace(tzinfo=sent_at.tzinfo or UTC), message=message)


def list_page(found: list[Mail]) -> str:
    rows = "".join(
        f'<li><a href="/mail/{escape(mail.id)}"><b>{escape(mail.subject)}</b><br>'
        f'<span class="soft">to {escape(str(mail.message["To"]))} · '
        f"{mail.sent_at:%Y-%m-%d %H:%M:%S %Z}</span></a></li>"
        for mail in found
    )
    nothing = '<p class="none">No mail yet.</p>'
    return page(
        "Mailbox",
        f"<h1>Mailbox</h1>{f'<ul>{rows}</ul>' if found else nothing}"
        '<p class="soft">This page looks for new mail every five seconds.</p>',
        head='<meta http-equiv="refresh" content="5">',
    )


def mail_page(mail: Mail) -> str:
    headers = "".join(
        f"<dt>{name}</dt><dd>{escape(str(mail.message[name]))}</dd>"
        for name in SHOWN_HEADERS
        if mail.message[name]
    )
    every_header = "\n".join(f"{name}: {value}" for name, value in mail.message.items())
    links = {"html": ("html", "HTML alone"), "text": ("plain", "Text part")}
    nav = "".join(
        f'<a href="/mail/{escape(mail.id)}/{path}">{label}</a>'
        for path, (kind, label) in links.items()
        if mail.part(kind) is not None
    )
    return page(
        mail.subject,
        f'<nav><a href="/">← All mail</a></nav><h1>{escape(mail.subject)}</h1>'
        f"<dl>{headers}</dl>{_body(mail)}<nav>{nav}</nav>"
        f"<details><summary>Every header</summary><pre>{escape(every_header)}</pre></details>",
    )


def _body(mail: Mail) -> str:
    html = mail.part("html")
    if html is None:
        return f'<pre class="none">{escape(mail.part("plain") or "")}</pre>'
    # A link leaves the frame, as it would leave a mail program.
    base = '<base target="_top">'
    framed, heads = re.subn(r"(<head\b[^>]*>)", rf"\1{base}", html, count=1, flags=re.IGNORECASE)
    content = escape(framed if heads else base + html)
    return f'<iframe title="The mail" sandbox="{LINKS_ONLY}" srcdoc="{content}"></iframe>'


def page(title: str, body: str, *, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)} · Local mailbox</title>{head}"
        '<link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body><div class="local">'
        "Local mailbox: nothing here was really sent.</div>"
        f"<main>{body}</main></body></html>"
    )


class Handler(BaseHTTPRequestHandler):
    folder: ClassVar[Path]

    def do_GET(self) -> None:
        """`/`, `/mail/<id>`, `/mail/<id>/html` and `/mail/<id>/text`."""
        parts = [part for part in self.path.split("?")[0].split("/") if part]
        found = mails(self.folder)
        if not parts:
            return self._answer(list_page(found))
        # An id is looked up, never made into a path.
        mail = next((mail for mail in found if parts[:2] == ["mail", mail.id]), None)
        if mail is not None and len(parts) == 2:
            return self._answer(mail_page(mail))
        kind = {"html": "html", "text": "plain"}.get(parts[2] if len(parts) == 3 else "", "")
        content = mail.part(kind) if mail is not None and kind else None
        if content is None:
            gone = '<h1>No such mail</h1><p><a href="/">← All mail</a></p>'
            return self._answer(page("No such mail", gone), status=HTTPStatus.NOT_FOUND)
        return self._answer(content, content_type=f"text/{kind}")

    def _answer(
        self, text: str, *, status: HTTPStatus = HTTPStatus.OK, content_type: str = "text/html"
    ) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody wants to read who looked at which page."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="local_mailbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    Handler.folder = arguments.folder
    try:
        server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    except OSError as error:
        print(f"The mailbox could not listen on port {arguments.port}: {error}", file=sys.stderr)
        return 1
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
