"""python -m tests.local_stripe --port 12111"""

import argparse
import signal
import sys
import time

from tests.stopping import Stopping

from .local import LocalStripe

DEFAULT_PORT = 12111
TICK = 0.1  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="local_stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    arguments = parser.parse_args()
    stopping = Stopping(signal.SIGINT, signal.SIGTERM)
    try:
        local_stripe = LocalStripe(port=arguments.port).start()
    except OSError as error:
        print(f"Local Stripe could not listen on port {arguments.port}: {error}", file=sys.stderr)
        return 1
    print(f"Local Stripe (not Stripe, no real money) listens on {local_stripe.url}", flush=True)
    while not stopping.is_asked:
        time.sleep(TICK)
    local_stripe.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
