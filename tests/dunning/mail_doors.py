"""The product's addresses, with the doors of two mail providers."""

from django.urls import include, path

from dunning.urls import doors
from recover_project.urls import PUBLIC_PREFIX
from recover_project.urls import urlpatterns as of_the_product

urlpatterns = [
    *of_the_product,
    path(f"{PUBLIC_PREFIX}mail/", include((doors("postmark") + doors("mailgun"), "anymail"))),
]
