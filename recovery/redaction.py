"""A person taken out of what was written about a case: facts stay, and how they are told."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from recovery.masking import COMMIT

HIDDEN = "•••"
# Masked ones too: they say whose case it is to whoever knows the person.
ADDRESS = re.compile(rf"[^\s@<>(),;:\"'“”]+@(?!{COMMIT})[^\s@<>(),;:\"'“”]+")
# Facts that are about the person, whatever they say.
PERSONAL = frozenset(
    {
        "address", "card_last4", "customer_email_masked", "email", "looked_at", "metadata", "name",
        "passed_over",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Redaction:
    """`words` are the person's name and what else is theirs alone, such as subjects of their
    mails, `cards` the fingerprints of their cards; `pseudonym` is what an address or a card
    becomes in a key, so that the key goes on being one."""

    words: tuple[str, ...]
    pseudonym: Callable[[str], str]
    cards: tuple[str, ...] = ()

    def text(self, value: str) -> str:
        """Without words and addresses."""
        for word in self.words:
            value = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", HIDDEN, value, flags=re.IGNORECASE)
        return ADDRESS.sub(HIDDEN, value)

    def within(self, value: Any) -> Any:
        """The same for what JSON can hold; what is PERSONAL is emptied."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                key: _emptied(inner) if key in PERSONAL else self.within(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.within(inner) for inner in value]
        return value

    def key(self, value: str) -> str:
        """By which a cause is known again."""
        for card in self.cards:
            value = value.replace(card, self.pseudonym(card))
        return ADDRESS.sub(lambda found: self.pseudonym(found.group()), value)


def without_addresses(value: Any) -> Any:
    """What comes in later about an erased person, whose name nobody knows any more."""
    return Redaction(words=(), pseudonym=lambda _address: HIDDEN).within(value)


def redaction(
    *, words: Iterable[str], cards: Iterable[str], pseudonym: Callable[[str], str]
) -> Redaction:
    """The longest word first: a name may be part of a subject."""
    found = {word.strip() for word in words} - {""}
    in_order = tuple(sorted(found, key=lambda word: (-len(word), word)))
    return Redaction(in_order, pseudonym, tuple(sorted(set(cards) - {""})))


def _emptied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {}
    return [] if isinstance(value, list | tuple) else ""
