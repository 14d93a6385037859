"""How a merchant's Stripe is connected with a key of its own, looked after, and left alone."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from recovery import cases, endpoints, imports, operator_tasks, permissions, reconciliation
from recovery.merchants.accounts import Credentials, create
from recovery.models import Merchant, RecoveryCase, SigningSecret, StripeConnection
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Status
from recovery.stripe_errors import RefusedError, StripeError
from recovery.stripe_gateway import API_VERSION, Platform, StripeGateway

KEY_PREFIXES = ("rk_live_", "sk_live_", "rk_test_", "sk_test_")
NOT_CONNECTED = "not connected to"  # Stripe, of an account that has left already


class ConnectError(Exception):
    """The merchant's Stripe can't be connected; the text says why and what to do."""


class AccountTakenError(ConnectError):
    """The Stripe account is another merchant's."""


class OtherAccountError(ConnectError):
    """The merchant is connected to another Stripe account."""


class MissingPermissionsError(ConnectError):
    """A key can't be used as it is; `missing` is all that it lacks, also what is optional."""

    def __init__(self, missing: list[str]) -> None:
        needed = [name for name in missing if name in permissions.REQUIRED]
        super().__init__(
            "The key lacks permissions. In Stripe's dashboard, edit it and allow:\n"
            + "\n".join(f"  {name}" for name in needed)
        )
        self.missing = missing


def create_connected(*, api_key: str, now: datetime, **about: Any) -> Credentials:
    """A merchant whose Stripe is connected at once, or none. `about` is what `create` takes.
    Raises ValidationError, ConnectError."""
    check_key(api_key)
    with ExitStack() as undo:
        merchant, made = create(now=now, **about)
        undo.callback(merchant.delete)
        secret = connect(merchant=merchant, api_key=api_key, now=now)
        undo.pop_all()
    return replace(made, webhook_secret=secret)


def connect(*, merchant: Merchant, api_key: str, now: datetime) -> str:
    """Connect a merchant's Stripe with a (restricted) key; returns the endpoint's signing secret.

    Probes what the key may do, makes sure of a portal configuration and of one webhook endpoint
    with the pinned version, and opens cases for what has failed already. Doing it again repairs
    what is missing. Raises ConnectError, and then all is as it was: Stripe has room for 16
    endpoints only, and none is left there without a use.
    """
    check_key(api_key)
    gateway = StripeGateway(api_key=api_key)
    livemode = "_live_" in api_key
    try:
        missing = gateway.missing_permissions(permissions.ALL)
        if not permissions.REQUIRED.keys().isdisjoint(missing):
            raise MissingPermissionsError(missing)
        account = gateway.account()
        check_is_free(merchant, account=account, livemode=livemode)
        _check_is_the_same(merchant.stripe, account=account)
        portal = gateway.ensure_portal_configuration()
        with ExitStack() as undo:
            undo.callback(StripeConnection.objects.get(merchant=merchant).save)
            endpoint_id, secret = endpoints.ensure(merchant, gateway, undo)
            connection = merchant.stripe
            connection.api_key = api_key
            connection.is_of(account, now=now)
            connection.livemode = livemode
            connection.endpoint_id = endpoint_id
            connection.portal_configuration_id = portal
            connection.api_version = API_VERSION
            connection.missing_permissions = missing
            connection.permissions_checked_at = connection.connected_at = now
            connection.disconnected_at = None
            keep(connection)
            imports.failed_invoices(merchant, gateway, now=now)
            undo.pop_all()
    except StripeError as error:
        raise ConnectError(str(error)) from error
    tell_what_is_elsewhere(merchant, now=now)
    return secret


def tell_what_is_elsewhere(merchant: Merchant, *, now: datetime) -> None:
    """Cases of another account than is connected now, or of the other mode, rest: a person says
    what becomes of them."""
    elsewhere = RecoveryCase.objects.of(merchant).filter(~cases.here(), status=Status.OPEN).count()
    if elsewhere:
        operator_tasks.create_for_merchant(
            merchant=merchant, kind=TaskKind.OTHER_ACCOUNT, now=now,
            once=f"{merchant.stripe.last_account_id}:{merchant.stripe.livemode}",
            summary="Open cases of another Stripe account, or of the other mode, than is "
            f"connected now: {elsewhere}. Nobody is written to or charged about them. Collect "
            "what is owed there in Stripe's dashboard, and close them.",
        )  # fmt: skip


def check_is_free(merchant: Merchant, *, account: str, livemode: bool) -> None:
    others = StripeConnection.objects.exclude(merchant=merchant).select_related("merchant")
    taken = others.filter(account_id=account, livemode=livemode).first() if account else None
    if taken is not None:
        raise AccountTakenError(
            f"The Stripe account {account} ({'live' if livemode else 'test'} mode) belongs to "
            f"the merchant {taken.merchant.public_id} already. Each account has one merchant in "
            "each mode: use that one, or the key of another account."
        )


def _check_is_the_same(connection: StripeConnection, *, account: str) -> None:
    """Cases of one account can't be asked about with a key of another."""
    known = connection.account_id
    if known and account and known != account and connection.disconnected_at is None:
        raise OtherAccountError(
            f"That key is of the Stripe account {account}, and this business is connected to "
            f"{known}: what it is owed there could not be collected any more. Use a key of that "
            "account, or disconnect it first."
        )


def keep(connection: StripeConnection) -> None:
    """Another merchant may have been connected to the account since it was found free."""
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:
        check_is_free(
            connection.merchant,
            account=connection.account_id,
            livemode=connection.livemode is True,
        )
        raise


def check_key(api_key: str) -> None:
    """Raises ConnectError for what can't be a usable key, before Stripe is asked."""
    if not api_key.startswith(KEY_PREFIXES):
        raise ConnectError(
            "That is no secret Stripe key. Make a restricted key in Stripe's dashboard, under "
            "Developers → API keys; it begins with rk_live_ or rk_test_."
        )
    if "_live_" in api_key and not settings.PUBLIC_URL.startswith("https://"):
        raise ConnectError(
            f"Stripe delivers live events to https addresses only, and PUBLIC_URL is "
            f"{settings.PUBLIC_URL}. Set it to the https address that Stripe can reach."
        )


def probe(api_key: str) -> list[str]:
    """All permissions that a key lacks, by asking Stripe. Raises ConnectError."""
    check_key(api_key)
    try:
        return StripeGateway(api_key=api_key).missing_permissions(permissions.ALL)
    except StripeError as error:
        raise ConnectError(str(error)) from error


def look_again(*, merchant: Merchant, now: datetime) -> list[str]:
    """What the merchant's key lacks now: somebody may have edited it. Raises ConnectError."""
    connection, missing = merchant.stripe, probe(merchant.stripe.api_key)
    connection.missing_permissions, connection.permissions_checked_at = missing, now
    connection.save(update_fields=["missing_permissions", "permissions_checked_at"])
    return missing


def missing_extras(merchant: Merchant) -> Mapping[str, str]:
    """The permissions that the merchant's key lacks and that Recover can do without, with what
    each would be for, as when it was last looked at."""
    missing = set(merchant.stripe.missing_permissions)
    return {name: what for name, what in permissions.OPTIONAL.items() if name in missing}


def rotate_signing_secret(*, merchant: Merchant) -> None:
    """A new endpoint with a secret of its own takes the old one's place, since Stripe has no way
    to give one another secret. From now on no older secret of the merchant's is believed, also
    none of an endpoint that was made by hand. Raises ConnectError, and then all is as it was.

    Both endpoints hear what happens in between; each event is stored once.
    """
    gateway, connection = StripeGateway(api_key=merchant.stripe.api_key), merchant.stripe
    old = connection.endpoint_id
    try:
        with ExitStack() as undo:
            connection.endpoint_id, _secret = endpoints.make(merchant, gateway, undo)
            with transaction.atomic():
                connection.save(update_fields=["endpoint_id"])
                kept = SigningSecret.objects.of(merchant)
                kept.exclude(endpoint_id=connection.endpoint_id).delete()
            undo.pop_all()
    except StripeError as error:
        raise ConnectError(str(error)) from error
    if old:
        endpoints.remove(merchant, gateway, old)


def disconnect(*, merchant: Merchant, now: datetime) -> str:
    """Stripe is asked nothing for the merchant any more and believed in nothing: its key and its
    signing secrets are forgotten, and what is told of its account is somebody else's.

    Returns the id of the endpoint where that is left at Stripe to be deleted by hand, else "".
    Raises ConnectError where a linked account can't be let go now.
    """
    connection, left = merchant.stripe, ""
    if connection.api_key and connection.endpoint_id:
        gateway = StripeGateway(api_key=connection.api_key)
        if not endpoints.remove(merchant, gateway, connection.endpoint_id):
            left = connection.endpoint_id
    elif connection.account_id and not connection.api_key:
        _let_go(connection.account_id)
    with transaction.atomic():
        SigningSecret.objects.of(merchant).delete()
        connection.api_key = connection.account_id = connection.endpoint_id = ""
        connection.portal_configuration_id = ""
        connection.missing_permissions, connection.permissions_checked_at = [], None
        connection.disconnected_at = now
        connection.save()
        reconciliation.forget(merchant=merchant, now=now)
    return left


def _let_go(account_id: str) -> None:
    try:
        Platform().let_go(account_id)
    except RefusedError as error:
        if NOT_CONNECTED not in str(error):
            raise ConnectError(str(error)) from error
    except StripeError as error:
        raise ConnectError(str(error)) from error
