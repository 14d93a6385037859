"""Token pairs of a login: a short-lived access token, and a refresh token that is good once.

All tokens of a login are a family with one row, which both kinds name: what ends the family ends
them at the next request (docs/adr/0014-credentials.md).
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.utils.crypto import constant_time_compare

from recovery.credentials.tokens import AccessToken, OurToken, RefreshToken
from recovery.models import Membership, TokenFamily
from recovery.scopes import OF_ROLE, Scopes

logger = logging.getLogger(__name__)

Reason = TokenFamily.Reason


class RefreshRefusedError(Exception):
    """Not the refresh token that is good now: log in again."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    family: TokenFamily

    @property
    def scopes(self) -> Scopes:
        return OF_ROLE[self.family.role]


def begin(membership: Membership, *, now: datetime) -> TokenPair:
    """A family, and its first pair."""
    family = TokenFamily.objects.create(
        merchant=membership.merchant, membership=membership, role=membership.role,
        password_fingerprint=membership.user.get_session_auth_hash(),
        current_jti=_new_jti(), created_at=now, expires_at=now + RefreshToken.lifetime,
    )  # fmt: skip
    return _pair(family, now=now)


def refresh(shown: str, *, now: datetime) -> TokenPair:
    """The next pair; the refresh token that was shown is good for nothing any more.

    An old one means that two have copies, and nobody knows which of them is the user: the family
    ends. That also meets who shows one token twice at once. Raises RefreshRefusedError.
    """
    token = RefreshToken.read(shown)
    family = _family(token, now=now)
    if token is None or family is None:
        raise RefreshRefusedError
    is_current = TokenFamily.objects.filter(
        pk=family.pk, current_jti=token["jti"], revoked_at=None
    )
    family.current_jti, family.expires_at = _new_jti(), now + RefreshToken.lifetime
    if not is_current.update(current_jti=family.current_jti, expires_at=family.expires_at):
        _revoke(family, Reason.REUSED, now=now)
        raise RefreshRefusedError
    return _pair(family, now=now)


def token_family(shown: str, *, now: datetime) -> TokenFamily | None:
    """Whose access token was shown; None for what is none, has ended, or was ended."""
    return _family(AccessToken.read(shown), now=now)


def _pair(family: TokenFamily, *, now: datetime) -> TokenPair:
    return TokenPair(
        access=AccessToken.issue(
            now=now, lifetime=AccessToken.lifetime, family=family.family_id
        ),
        refresh=RefreshToken.issue(
            now=now, lifetime=RefreshToken.lifetime, family=family.family_id,
            jti=family.current_jti,
        ),
        family=family,
    )  # fmt: skip


def _family(token: OurToken | None, *, now: datetime) -> TokenFamily | None:
    """The living family of a token, in one query with its user and its merchant."""
    if token is None:
        return None
    rows = TokenFamily.objects.filter(
        family_id=token.get("family"), revoked_at=None, expires_at__gt=now
    )
    family = rows.select_related("membership__user", "merchant__stripe").first()
    if family is not None and not _is_up_to_date(family):
        _revoke(family, Reason.OUTDATED, now=now)
        return None
    return family


def _is_up_to_date(family: TokenFamily) -> bool:
    """The user may still log in, as what they were and with the password that they had."""
    user = family.membership.user
    return (
        user.is_active
        and family.membership.role == family.role
        and constant_time_compare(family.password_fingerprint, user.get_session_auth_hash())
    )


def _revoke(family: TokenFamily, reason: Reason, *, now: datetime) -> None:
    is_revoked = TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(
        revoked_at=now, revoked_reason=reason
    )
    if is_revoked:
        logger.warning("The tokens of login %s were revoked: %s.", family.family_id, reason)


def _new_jti() -> str:
    return secrets.token_hex(16)
