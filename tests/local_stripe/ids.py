"""Identifiers as Stripe makes them: a prefix that names the kind, then noise."""

import hashlib
import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """A fresh id such as `in_1kQ…`; Stripe's own have about this length."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(length))}"


def account_id(seed: str) -> str:
    """The account behind a key's tail: the same after every restart, so stored keys stay good."""
    return "acct_1" + hashlib.sha256(seed.encode()).hexdigest()[:15]
