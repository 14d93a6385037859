"""The demo's merchant and its operator, made with the product's own commands."""

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from .processes import Failed, Processes

STRIPE_API_KEY = "rk_test_ferntea"  # the local Stripe takes any key
SETTLING_MINUTES = "1"  # nobody who tries the product waits for half an hour
EMAIL = "operator@example.com"


@dataclass(frozen=True)
class Login:
    merchant_id: str
    email: str
    password: str
    internal_key: str


def set_up(processes: Processes, *, kept_in: Path) -> Login:
    """The same merchant at every start, while its database is the same."""
    kept = _read(kept_in)
    if not kept or not _reconnected(processes, kept["merchant_id"]):
        made = json.loads(
            _manage(
                processes, "create_merchant", "Fern Tea Club", "--product-name", "Fern Tea Club",
                "--stripe-api-key", STRIPE_API_KEY, "--settling-minutes", SETTLING_MINUTES,
                "--json",
            )
        )  # fmt: skip
        password = kept.get("password") or secrets.token_urlsafe(12)
        kept = made | {"email": EMAIL, "password": password}
        _write(kept_in, kept)
        # Once, so that who has removed them is rid of them.
        if processes.environment.get("DEMO_DATA") != "no":  # as journeys say: they count cases
            _manage(processes, "demo_data", kept["merchant_id"])
    # Who tries the product at night isn't left to wait for the morning.
    _manage(processes, "send_window", kept["merchant_id"], "--from", "0", "--until", "24")
    _manage(
        processes, "create_operator", EMAIL, "--merchant", kept["merchant_id"],
        "--role", "owner", f"--password={kept['password']}",  # it may begin with a dash
    )  # fmt: skip
    return Login(
        merchant_id=kept["merchant_id"], email=EMAIL, password=kept["password"],
        internal_key=kept["internal_key"],
    )  # fmt: skip


def _reconnected(processes: Processes, merchant_id: str) -> bool:
    """False where the database does not know the merchant: it is another one than last time."""
    try:
        _manage(processes, "connect_stripe", merchant_id, "--stripe-api-key", STRIPE_API_KEY)
    except Failed as failure:
        print(f"Making the demo merchant anew: {failure}", flush=True)
        return False
    return True


def _manage(processes: Processes, *command: str) -> str:
    return processes.output_of(sys.executable, "manage.py", *command)


def _read(path: Path) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _write(path: Path, kept: dict[str, str]) -> None:
    """Whole or not at all, and for nobody else's eyes."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(kept, file, indent=2)
    draft.replace(path)
