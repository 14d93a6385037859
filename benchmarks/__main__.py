"""python -m benchmarks [name …], run by `python3 dev.py bench`: all of them, or those named."""

import sys
from collections.abc import Callable, Mapping

from benchmarks import (
    back_office,
    burst,
    cold_start,
    growth,
    ingestion,
    mails,
    memory,
    processing,
    tick,
    update_page,
)
from benchmarks.measuring import Comparison, Fact, machine

BENCHMARKS: Mapping[str, Callable[[], list[Comparison | Fact]]] = {
    "update_page": update_page.run,
    "ingestion": ingestion.run,
    "processing": processing.run,
    "burst": burst.run,
    "tick": tick.run,
    "mails": mails.run,
    "cold_start": cold_start.run,
    "memory": memory.run,
    "growth": growth.run,
    "back_office": back_office.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]}. There are: {', '.join(BENCHMARKS)}.")
        return 2
    print(machine(), flush=True)
    has_missed = False
    for name in names or BENCHMARKS:
        print(
            f"\n{name}\n| What | Recover | Yardstick | Ratio | To reach |\n|---|---|---|---|---|"
        )
        for measured in BENCHMARKS[name]():
            print(measured.row(), flush=True)
            has_missed = has_missed or measured.is_missed
    return int(has_missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
