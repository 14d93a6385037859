"""How many examples a property is tried with: a few in the suite, times as many in the fuzzing."""

import os

FACTOR = "FUZZ"


def examples(few: int) -> int:
    return few * int(os.environ.get(FACTOR, "1"))
