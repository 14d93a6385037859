"""Who may use the JSON API: keys of programs, token pairs of people. Made here, shown once."""

from recovery.credentials.api_keys import (
    InvalidKeyError,
    api_key,
    new_api_key,
    revoke_api_key,
)
from recovery.credentials.failed_logins import TooManyFailedLoginsError
from recovery.credentials.internal_keys import (
    digest,
    internal_key,
    new_internal_key,
    revoke_internal_key,
)
from recovery.credentials.logins import LoginRefusedError, MerchantNotNamedError, log_in
from recovery.credentials.pruning import forget_ended
from recovery.credentials.token_pairs import (
    RefreshRefusedError,
    TokenPair,
    refresh,
    token_family,
)

__all__ = [
    "InvalidKeyError",
    "LoginRefusedError",
    "MerchantNotNamedError",
    "RefreshRefusedError",
    "TokenPair",
    "TooManyFailedLoginsError",
    "api_key",
    "digest",
    "forget_ended",
    "internal_key",
    "log_in",
    "new_api_key",
    "new_internal_key",
    "refresh",
    "revoke_api_key",
    "revoke_internal_key",
    "token_family",
]
