"""What a credential may do."""

import pytest

from recovery.models import Role
from recovery.scopes import EVERYTHING, OF_ROLE, ONLY_READING, SPELLINGS, Scope, in_order, spell


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_scopes_are_spelled_as_they_are_read(spelling: str) -> None:
    assert spell(SPELLINGS[spelling]) == spelling
    assert in_order(SPELLINGS[spelling]) == spelling.split()


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({Scope.WRITE})])
def test_there_is_no_writing_without_reading(scopes: frozenset[Scope]) -> None:
    with pytest.raises(KeyError):
        spell(scopes)


def test_every_role_may_do_something() -> None:
    assert dict(OF_ROLE) == {
        Role.VIEWER: ONLY_READING, Role.OPERATOR: EVERYTHING, Role.OWNER: EVERYTHING,
    }  # fmt: skip
    assert set(OF_ROLE) == set(Role.values)
