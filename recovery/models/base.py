"""What all models share: who owns a row, whether it may change, how it is named outside."""

import secrets
from typing import Any, ClassVar, Self, TypeVar

from django.db import models

# No vowels and nothing that looks like something else, so that ids can be read out loud and
# spell no words.
ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
ID_LENGTH = 20  # 95 bits


def new_public_id(prefix: str, *, length: int = ID_LENGTH) -> str:
    """`case_7m2k…`: an id that tells its kind and can't be guessed."""
    number, letters = secrets.randbelow(len(ALPHABET) ** length), []
    for _ in range(length):
        number, which = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[which])
    return f"{prefix}_{''.join(letters)}"


class AppendOnlyError(TypeError):
    """Rows of this model are written once: append another one instead."""


class Mutable(models.Model):
    """A row with one writer, which may change it."""

    is_append_only: ClassVar[bool] = False

    class Meta:
        abstract = True


class AppendOnly(models.Model):
    """A row that is never changed, but for a person who is erased from it (timeline.redact), and
    goes only with what owns it."""

    is_append_only: ClassVar[bool] = True

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} {self.pk} can't be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ARG002
        raise AppendOnlyError(f"{type(self).__name__} {self.pk} can't be deleted.")


Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[Row_co]):
    """Rows that belong to merchants; `of` is the one filter between tenants.

    What is append-only is so in bulk too.
    """

    def of(self, merchant: "models.Model | int") -> Self:
        return self.filter(merchant=merchant)

    def update(self, **kwargs: Any) -> int:
        self._refuse_if_append_only()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse_if_append_only()
        return super().delete()

    def _refuse_if_append_only(self) -> None:
        if issubclass(self.model, AppendOnly):
            raise AppendOnlyError(f"{self.model.__name__} rows can't be changed.")


class TenantOwned(models.Model):
    merchant = models.ForeignKey("recovery.Merchant", on_delete=models.CASCADE, related_name="+")

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class TenantListed(TenantOwned):
    """Rows whose lists have indexes that begin with the merchant: one of the merchant alone would
    be one more to write for each row, and serve nothing."""

    merchant = models.ForeignKey(
        "recovery.Merchant", on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        abstract = True
