"""What requests may say: a parameter that nobody knows is refused, and not silently ignored."""

from typing import Any

from django.http import QueryDict
from rest_framework import serializers

UNKNOWN = "There is no such parameter."
TWICE = "Give this parameter once."
NO_CURRENCY = "Write three small letters, as usd."


def once_each(query: QueryDict) -> dict[str, str]:
    """The parameters of a query. Raises ValidationError for those given more than once: whichever
    was taken, the answer would be to another question."""
    if repeated := sorted(name for name, values in query.lists() if len(values) > 1):
        raise serializers.ValidationError({name: [TWICE] for name in repeated})
    return query.dict()  # type: ignore[return-value]  # typed for values that are lists


class Parameters(serializers.Serializer[Any]):
    """The parameters of a query, or the fields of a body."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(self.initial_data) - set(self.fields)):
            raise serializers.ValidationError({name: [UNKNOWN] for name in unknown})
        return attrs
