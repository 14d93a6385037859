"""What the environment says, read strictly: a value that isn't understood stops the start."""

import os
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

SPELLINGS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
MINIMUM_SECRET_LENGTH = 32
FEWEST_SIGNS = 10  # of those that differ: a word that is written again and again has fewer

HOW_TO_MAKE_ONE = (
    "Make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'` and set it in "
    "the environment of every process."
)


def _is_weak(secret: str) -> bool:
    return len(secret) < MINIMUM_SECRET_LENGTH or len(set(secret)) < FEWEST_SIGNS


def _is_base_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:  # half an IPv6 address
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


class Environment:
    """Typed readers over a mapping of strings.

    Every reader raises ImproperlyConfigured with a sentence that says what to do.
    """

    def __init__(self, variables: Mapping[str, str], *, run_dir: Path) -> None:
        self.variables = variables
        self.run_dir = run_dir

    @classmethod
    def of_this_process(cls, base_dir: Path) -> "Environment":
        run_dir = Path(os.environ.get("RUN_DIR") or base_dir / "run")
        run_dir.mkdir(parents=True, exist_ok=True)
        return cls(os.environ, run_dir=run_dir)

    def text(self, name: str, default: str = "") -> str:
        return self.variables.get(name, "").strip() or default

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in SPELLINGS:
            raise ImproperlyConfigured(
                f"{name} is {value!r}. Write one of: {', '.join(SPELLINGS)}."
            )
        return SPELLINGS[value]

    def switch_for_trying_out(self, name: str, *, embedded: bool) -> bool:
        """Off unless it is set; production refuses to start with it."""
        is_on = self.boolean(name, default=False)
        if is_on and not embedded:
            raise ImproperlyConfigured(
                f"{name} is on and DEBUG is off. Unset {name}: it is for trying Recover out on "
                "one machine, and opens that machine's own services to those whom it serves."
            )
        return is_on

    def whole_number(self, name: str, *, default: int, least: int = 0) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.isdecimal() or int(value) < least:
            at_least = f" of at least {least}" if least else ""
            raise ImproperlyConfigured(f"{name} is {value!r}. Write a whole number{at_least}.")
        return int(value)

    def one_of(self, name: str, *choices: str) -> str:
        """The first one where none is set."""
        value = self.text(name, choices[0]).lower()
        if value not in choices:
            raise ImproperlyConfigured(f"{name} is {value!r}. Write one of: {', '.join(choices)}.")
        return value

    def items(self, name: str, default: list[str]) -> list[str]:
        found = [item.strip() for item in self.text(name).split(",") if item.strip()]
        return found or default

    def base_url(self, name: str, default: str = "") -> str:
        """An http(s) address without a trailing slash, or "" where none is set."""
        value = self.text(name, default).rstrip("/")
        if value and not _is_base_url(value):
            raise ImproperlyConfigured(f"{name} is {value!r}. Write it as https://host.")
        return value

    def secret(self, name: str, *, embedded: bool) -> str:
        """At least 32 characters; without one, the embedded mode makes and keeps its own."""
        value = self.text(name)
        if not value and embedded:
            return self._kept_secret(name.lower())
        if _is_weak(value):
            raise ImproperlyConfigured(
                f"{name} is missing or too weak for production. {HOW_TO_MAKE_ONE} "
                f"(Or set DEBUG=on to try Recover out.)"
            )
        return value

    def optional_secret(self, name: str) -> str:
        """ "" where none is set; one that can be guessed stops the start."""
        value = self.text(name)
        if value and _is_weak(value):
            raise ImproperlyConfigured(f"{name} is too weak. {HOW_TO_MAKE_ONE}")
        return value

    def encryption_keys(self, name: str, *, embedded: bool) -> list[str]:
        """Fernet keys, newest first: the first encrypts, all of them decrypt."""
        keys = self.items(name, [])
        if not keys and embedded:
            keys = [self._kept_secret(name.lower())]
        try:
            for key in keys:
                Fernet(key)
        except ValueError:
            keys = []
        if any(len(set(urlsafe_b64decode(key))) < FEWEST_SIGNS for key in keys):
            keys = []  # of 32 bytes that are drawn nearly all differ
        if not keys:
            raise ImproperlyConfigured(
                f"{name} must be one or more Fernet keys, separated by commas, newest first. Make "
                "one with `python3 -c 'import base64, secrets; "
                "print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())'` and keep it "
                "safe: Stripe keys stored with it can't be read without it."
            )
        return keys

    def hosts(self, name: str, *, public_url: str, embedded: bool) -> list[str]:
        """The names that are served: the public one, and those beside it; embedded, this
        machine's alone."""
        if embedded:
            told = list(dict.fromkeys([*LOOPBACK_HOSTS, *self.items(name, [])]))
            self._refuse_exposed_embedded_mode(told, public_url)
            return told
        public = urlsplit(public_url).hostname or ""
        return list(dict.fromkeys([public, *self.items(name, [])]))

    def _refuse_exposed_embedded_mode(self, hosts: list[str], public_url: str) -> None:
        """Debug pages tell a visitor too much, so they are for this machine alone."""
        named = [*hosts, urlsplit(public_url).hostname or ""]
        public = [host for host in named if host and host not in {*LOOPBACK_HOSTS, "::1"}]
        if public:
            raise ImproperlyConfigured(
                f"DEBUG is on (it is unless it is set), but {public[0]!r} is not this machine. "
                "Set DEBUG=off, SECRET_KEY and FIELD_ENCRYPTION_KEYS to serve anyone else."
            )

    def _kept_secret(self, filename: str) -> str:
        """A random key kept in the run folder; processes that start at once agree."""
        path = self.run_dir / filename
        if not path.exists():
            draft = self.run_dir / f"{filename}.{secrets.token_hex(4)}"
            draft.touch(mode=0o600)
            draft.write_bytes(Fernet.generate_key())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text()
