"""What requests may say: a parameter that nobody knows is refused, and not silently ignored."""

from typing import Any

from rest_framework import serializers

UNKNOWN = "There is no such parameter."
NO_CURRENCY = "Write it in small letters, as usd."


class Parameters(serializers.Serializer[Any]):
    """The parameters of a query, or the fields of a body."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(self.initial_data) - set(self.fields)):
            raise serializers.ValidationError({name: [UNKNOWN] for name in unknown})
        return attrs
