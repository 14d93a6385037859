"""Who calls the JSON API: for which merchant, by which credential, and what that may do."""

from dataclasses import dataclass

from recovery.models import ApiKey, InternalKey, Merchant, TokenFamily
from recovery.scopes import EVERYTHING, OF_ROLE, Scope, Scopes

__all__ = ["Client", "Scope"]


@dataclass(frozen=True, slots=True)
class Client:
    """`credential` names the key or user without being a secret ("api_key:key_7m2k…", "user:12"):
    requests are counted by it. `actor` is who acted, as timelines say it ("api_key:nightly
    import"); there is no address in it."""

    merchant: Merchant
    credential: str
    scopes: Scopes
    actor: str

    @classmethod
    def by_internal_key(cls, key: InternalKey) -> "Client":
        return cls(key.merchant, f"internal_key:{key.pk}", EVERYTHING, f"internal_key:{key}")

    @classmethod
    def by_api_key(cls, key: ApiKey) -> "Client":
        return cls(key.merchant, f"api_key:{key.key_id}", key.granted, f"api_key:{key.name}")

    @classmethod
    def by_tokens(cls, family: TokenFamily) -> "Client":
        user = f"user:{family.membership.user_id}"
        return cls(family.merchant, user, OF_ROLE[family.role], user)
