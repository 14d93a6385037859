"""Second factors' secrets, encrypted anew with the newest key."""

from allauth.mfa.models import Authenticator

from recovery.reencryption import Count, renewed_value

SECRETS = ("secret", "seed")  # from which an app's codes are made, and recovery codes


def renew_second_factors() -> Count:
    """Each that is as it was when it was read."""
    count = Count()
    for pk, data in Authenticator.objects.order_by("pk").values_list("pk", "data"):
        stored = {name: data[name] for name in SECRETS if data.get(name)}
        renewed = {name: renewed_value(value, count) for name, value in stored.items()}
        written = {name: value for name, value in renewed.items() if value is not None}
        if written:
            Authenticator.objects.filter(pk=pk, data=data).update(data={**data, **written})
    return count
