"""The cases as API clients see them: events (the contract, section 4)."""
