"""The product's addresses, and those of the yardsticks in the same server."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from billing_portal.languages import LANGUAGES
from billing_portal.page_words import PAGE_WORDS
from recover_project.urls import urlpatterns as products

# With a word, because what is painted first is content; and an icon, so that none is asked for.
EMPTY = (
    '<!DOCTYPE html><html lang="en"><link rel="icon" href="data:,"><title>Empty</title><p>Empty'
)
FAILED = PAGE_WORDS["en"].pages["failed"]
# What fills the page's template, as a view would have it that knows it all beforehand.
CONTEXT = {
    "language": "en",
    "direction": "ltr",
    "accent": "#1f5eff",
    "accent_text": "#ffffff",
    "product": "Fern Tea Club",
    "heading": FAILED.heading,
    "paragraphs": FAILED.paragraphs,
    "debt": [("Amount", "$49.00"), ("Invoice", "F-0001"), ("Failed on", "November 3, 2026")],
    "buttons": [("Update payment details", {"url": "/bare", "fields": {"token": "x" * 200}})],
    "quiet": "You go to a secure page of Stripe, our payment provider, and come back here.",
    "questions_by_mail": "Questions? Answer the mail that brought you here.",
    "languages": "Language",
    "switch": [
        (code, name, f"/bare?token={'x' * 200}&lang={code}") for code, name in LANGUAGES.items()
    ],
}


def bare(request: HttpRequest) -> HttpResponse:
    return render(request, "billing_portal/page.html", CONTEXT)


def empty(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(EMPTY)


urlpatterns = [*products, path("bare", bare), path("empty", empty)]
