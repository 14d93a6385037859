def nothing(_event: object, **_: object) -> None:
    """The event is stored; a worker would do the rest."""
