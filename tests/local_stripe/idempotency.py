"""The first answer under an Idempotency-Key is the answer to every repetition."""

from dataclasses import dataclass, field

from . import errors
from .shapes import Object, Params


@dataclass(frozen=True)
class Remembered:
    """A request that was executed, and its answer."""

    operation: str
    params: Params
    answer: tuple[int, Object]


@dataclass
class Memory:
    """The keys of one account and mode."""

    _by_key: dict[str, Remembered] = field(default_factory=dict)

    def recall(self, key: str, *, operation: str, params: Params) -> tuple[int, Object] | None:
        """The answer first given; None for a key that is new. Raises where the requests differ."""
        known = self._by_key.get(key)
        if known is None:
            return None
        if known.operation != operation:
            raise errors.idempotency_mismatch(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{known.operation.partition(' ')[2]}' vs "
                f"'{operation.partition(' ')[2]}'). Try using a key other than '{key}' if you "
                "meant to execute a different request."
            )
        if known.params != params:
            raise errors.idempotency_mismatch(
                "Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request."
            )
        return known.answer

    def keep(
        self, key: str, *, operation: str, params: Params, answer: tuple[int, Object]
    ) -> None:
        self._by_key[key] = Remembered(operation, params, answer)
