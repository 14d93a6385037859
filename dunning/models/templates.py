from django.db import models

from recovery.models.base import Mutable, TenantOwned


class MessageTemplate(TenantOwned, Mutable):
    """A merchant's own words for a message, in one language; without one the shipped words hold.

    Written by dunning/wording/templates.py alone, which refuses what can't be rendered.
    """

    name = models.CharField(max_length=50)
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=300)
    body = models.TextField(help_text="HTML, in the template language.")
    text = models.TextField(
        blank=True, default="", help_text="Plain text; empty: made from the body."
    )
    button = models.CharField(max_length=100, blank=True, default="")
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "name", "language"], name="one_template_per_name_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"
