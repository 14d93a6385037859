"""All state: accounts by key, and per account and mode a realm of objects."""

import threading
from collections.abc import Collection, Iterator

from . import errors
from .accounts_by_key import Account, KeyReading, read_key
from .billing.settings import BillingSettings
from .clock import Time
from .ids import account_id
from .outbox import Outbox
from .realm import Realm
from .schedule import Schedule
from .shapes import Object


class World:
    """Everything this Stripe knows. Whoever changes or reads it holds `lock`."""

    def __init__(self, *, time: Time, api_version: str) -> None:
        self.lock = threading.RLock()
        self.time = time
        self.api_version = api_version
        self.url = ""
        self.billing = BillingSettings()
        self.schedule = Schedule()
        self.outbox = Outbox()
        self.accounts: dict[str, Account] = {}
        self._realms: dict[tuple[str, bool], Realm] = {}
        self._missing_permissions: dict[str, frozenset[str]] = {}
        self._revoked_keys: set[str] = set()
        # Codes that were given out and not taken yet, and the account behind each.
        self.oauth_codes: dict[str, str] = {}
        # The key last used per account and mode: what the home page acts with.
        self.last_keys: dict[tuple[str, bool], str] = {}

    def account_of(self, key: str) -> Account:
        """The account that `key` belongs to, opened at first sight. Raises ApiError."""
        reading = self._reading(key)
        id_ = account_id(reading.tail)
        return self.accounts.get(id_) or self.open_account(id_)

    def realm_of(self, key: str, stripe_account: str | None = None) -> Realm:
        """Where requests with `key` act: its own account, or one connected to it."""
        account, livemode = self.account_of(key), self._reading(key).livemode
        self.last_keys[account.id, livemode] = key
        if stripe_account is None or stripe_account == account.id:
            return self.realm(account.id, livemode)
        connected = self.accounts.get(stripe_account)
        if connected is None or connected.platform != account.id:
            raise errors.no_access_to_account(key, stripe_account)
        return self.realm(stripe_account, livemode)

    def realm(self, account: str, livemode: bool) -> Realm:
        key = (account, livemode)
        if key not in self._realms:
            self._realms[key] = Realm(self, self.accounts[account], livemode)
        return self._realms[key]

    def realms(self) -> Iterator[Realm]:
        yield from list(self._realms.values())

    def open_account(
        self, id_: str, *, platform: str | None = None, api_version: str | None = None
    ) -> Account:
        version = api_version or self.api_version
        self.accounts[id_] = Account(id_, api_version=version, platform=platform)
        return self.accounts[id_]

    def restrict(self, key: str, *, missing: Collection[str]) -> None:
        """Makes `key` a restricted one without the permissions named (`rak_invoice_write`, …)."""
        self._reading(key)
        self._missing_permissions[key] = frozenset(missing)

    def revoke(self, key: str) -> None:
        """From now on `key` is refused as expired."""
        self._revoked_keys.add(key)

    def require(self, key: str, realm: Realm, permission: str) -> None:
        """Raises ApiError unless `key` has the permission; writing needs reading too."""
        missing = self._missing_permissions.get(key, frozenset())
        reading = permission.removesuffix("_write").removesuffix("_read") + "_read"
        for needed in (permission, reading):
            if needed in missing:
                raise errors.missing_permission(key, realm.account.id, needed)

    def find(self, kind: str, id_: str) -> tuple[Realm, Object] | None:
        """An object by its id alone, as the pages know it, and the realm that it lives in."""
        for realm in self._realms.values():
            found = realm.tables[kind].get(id_)
            if found is not None:
                return realm, found
        return None

    def reset(self) -> None:
        """Forgets everything but the address and the settings."""
        self.schedule = Schedule()
        self.outbox.clear()
        self.accounts.clear()
        self._realms.clear()
        self.last_keys.clear()
        self.oauth_codes.clear()
        self._missing_permissions.clear()
        self._revoked_keys.clear()

    def _reading(self, key: str) -> KeyReading:
        reading = read_key(key)
        if reading is None:
            raise errors.bad_key(key)
        if key in self._revoked_keys:
            raise errors.expired_key(key)
        return reading
