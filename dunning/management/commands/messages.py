"""Messages as files: list, export, save, preview, restore."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.languages import LANGUAGES
from dunning.models import MessageTemplate
from dunning.wording import message_files, previews, templates
from dunning.wording.previews import Sample
from dunning.wording.template_language import FILTERS
from dunning.wording.variables import VARIABLES
from dunning.wording.words import TEMPLATES, Words
from recovery import clock
from recovery.management.tenants import merchant_called
from recovery.models import Merchant

SHIPPED = "shipped"
COLUMN = 12


class Command(BaseCommand):
    help = "What a merchant's mails say: list, edit as TOML files, look at, restore."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, (_work, words) in ACTIONS.items():
            action = actions.add_parser(name, help=words, description=words)
            action.add_argument("--merchant", required=True, help="mer_…")
            if name != "list":
                action.add_argument("name", metavar="NAME", help=", ".join(TEMPLATES))
                action.add_argument("language", metavar="LANGUAGE", help=", ".join(LANGUAGES))
            if name in {"save", "preview"}:
                action.add_argument("--file", required=name == "save", help="a TOML file")
            if name == "preview":
                action.add_argument("--out", help="an HTML file to write, for a browser")
                action.add_argument(
                    "--several", action="store_true", help="of three open payments, not of one"
                )
        actions.add_parser("variables", help="what a message may speak of")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        for line in _answer(options):
            self.stdout.write(line)


def _answer(options: dict[str, Any]) -> list[str]:
    if options["action"] == "variables":
        return _variables()
    merchant = merchant_called(options["merchant"])
    work, _words = ACTIONS[options["action"]]
    try:
        return work(merchant, options)
    except templates.TemplateRefusedError as error:
        raise CommandError(f"{error.field}: {error}") from error


def _list(merchant: Merchant, _options: dict[str, Any]) -> list[str]:
    own = templates.own(merchant)
    heads = [_row("", *LANGUAGES)]
    rows = [
        _row(name, *(_since(own.get((name, language)), merchant) for language in LANGUAGES))
        for name in TEMPLATES
    ]
    return [*heads, *rows, *(["A date: the merchant's own words, since then."] if own else [])]


def _row(*cells: str) -> str:
    return "".join(cell.ljust(COLUMN) for cell in cells).rstrip()


def _since(own: MessageTemplate | None, merchant: Merchant) -> str:
    return own.updated_at.astimezone(merchant.zone).date().isoformat() if own else SHIPPED


def _variables() -> list[str]:
    lines = []
    for name, variable in VARIABLES.items():
        unsure = "" if variable.is_sure else " May be empty."
        lines += [f"{{{{ {name} }}}}: {variable.sample}", f"  {variable.description}{unsure}"]
    return [*lines, f"Filters: {', '.join(FILTERS)}"]


def _export(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    templates.check_name(options["name"], options["language"])
    words = templates.find(merchant=merchant, name=options["name"], language=options["language"])
    return [message_files.write(words).rstrip("\n")]


def _save(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    words = _file(options["file"])
    kept = templates.save(
        merchant=merchant, name=options["name"], language=options["language"],
        subject=words.subject, body=words.body, text=words.text, button=words.button,
        now=clock.now(),
    )  # fmt: skip
    return [f"{kept} is written in {merchant}'s own words from now on."]


def _preview(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    shown = previews.preview(
        merchant=merchant, name=options["name"], language=options["language"],
        words=_file(options["file"]) if options["file"] else None,
        sample=Sample.SEVERAL if options["several"] else Sample.EXPIRED_CARD,
        now=clock.now(),
    )  # fmt: skip
    if not options["out"]:
        return [shown.subject, "", shown.text.rstrip("\n")]
    try:
        Path(options["out"]).write_text(shown.html, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{options['out']} can't be written: {error}.") from error
    return [f"“{shown.subject}” is in {options['out']}; open it in a browser."]


def _restore(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    name, language = options["name"], options["language"]
    if templates.restore(merchant=merchant, name=name, language=language):
        return [f"{name} ({language}) is written in the shipped words again."]
    return [f"{name} ({language}) is written in the shipped words already."]


ACTIONS = {
    "list": (_list, "each message in each language: shipped, or since when the merchant's own"),
    "export": (_export, "what a message says, as a TOML file"),
    "save": (_save, "let a message say what a TOML file says"),
    "preview": (_preview, "a message to a made-up customer, also before it is saved"),
    "restore": (_restore, "let a message say what is shipped"),
}


def _file(name: str) -> Words:
    try:
        return message_files.read(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} can't be read: {error}.") from error
    except message_files.MessageFileError as error:
        raise CommandError(str(error)) from error
