"""The way out of the mail, and the door for the mail provider's word of bounces."""

from anymail import urls as anymail_urls
from django.conf import settings
from django.urls import URLPattern, path

from dunning import views


def doors(provider: str) -> list[URLPattern]:
    """django-anymail's door for the provider that is in use, and for no other: a door that isn't
    set up answers anybody with an error."""
    name = f"{provider}_tracking_webhook"
    return [door for door in anymail_urls.urlpatterns if door.name == name]


urlpatterns = [
    path("unsubscribe", views.unsubscribe, name="unsubscribe"),
    *(path("mail/", ([door], "anymail", "anymail")) for door in doors(settings.EMAIL_PROVIDER)),
]
