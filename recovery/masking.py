"""Addresses as they may be shown."""

SHOWN = 2


def mask_email(email: str) -> str:
    """`maria@gmail.com` → `ma***@gmail.com`; a local part of one or two characters shows one.

    An empty string stays empty; what has no @ is masked whole.
    """
    local, at, domain = email.rpartition("@")
    if not at:
        return "***" if email else ""
    shown = local[:SHOWN] if len(local) > SHOWN else local[:1]
    return f"{shown}***@{domain}"
