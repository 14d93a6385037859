"""What goes wrong, in a random order that a seed makes again: each kind once, then once more."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.chaos.mail_sink import Trouble as MailTrouble
from tests.chaos.services import Services
from tests.chaos.stripe_stub import Trouble as StripeTrouble

DICE_PAUSE = (1.0, 4.0)  # seconds between two faults
LASTS = (3.0, 8.0)  # seconds that trouble lasts
DOWN = (0.5, 2.5)  # seconds until what was killed is started again
MOST_BOUNDARIES = 400
TEN_MINUTES, TWO_HOURS = 600, 7200  # seconds
Fault = Callable[[Services, random.Random], None]


def _killed(name: str) -> Fault:
    def kill(services: Services, dice: random.Random) -> None:
        services.processes[name].kill()
        time.sleep(dice.uniform(*DOWN))
        services.processes[name].start()

    return kill


def _child_killed(name: str) -> Fault:
    def kill(services: Services, dice: random.Random) -> None:
        if children := services.processes[name].children():
            with suppress(ProcessLookupError):
                os.kill(dice.choice(children), signal.SIGKILL)

    return kill


def _dies_at_boundaries(name: str) -> Fault:
    """For some seconds each of its processes dies at its n-th boundary, however often it is
    started again."""

    def die(services: Services, dice: random.Random) -> None:
        services.processes[name].kill()
        services.processes[name].start(CHAOS_DIE_AT=str(dice.randint(1, MOST_BOUNDARIES)))
        time.sleep(2 * dice.uniform(*LASTS))
        services.processes[name].kill()
        services.processes[name].start()

    return die


def _redis_is_emptied(services: Services, dice: random.Random) -> None:
    services.redis.kill()
    time.sleep(dice.uniform(*DOWN))
    services.redis.start()


def _postgresql_is_killed(services: Services, dice: random.Random) -> None:
    services.database.kill()
    time.sleep(dice.uniform(*DOWN))
    services.database.start()


def _troubled(whose: Callable[[Services, str, float], None], trouble: str) -> Fault:
    def make_trouble(services: Services, dice: random.Random) -> None:
        lasts = dice.uniform(*LASTS)
        whose(services, trouble, lasts)
        time.sleep(lasts)

    return make_trouble


def _stripe(trouble: StripeTrouble) -> Fault:
    return _troubled(Services.trouble_stripe, trouble)


def _mail(trouble: MailTrouble) -> Fault:
    return _troubled(Services.trouble_mail, trouble)


def _clock_turned(seconds: int) -> Fault:
    """A worker's, which dies with whatever it holds before it is set right again."""

    def turn(services: Services, dice: random.Random) -> None:
        services.processes["worker"].kill()
        services.processes["worker"].start(CHAOS_CLOCK_AHEAD=str(seconds))
        time.sleep(2 * dice.uniform(*LASTS))
        services.processes["worker"].kill()
        services.processes["worker"].start()

    return turn


KINDS: Mapping[str, Fault] = MappingProxyType(
    {
        "web killed": _killed("web"),
        "worker killed": _killed("worker"),
        "beat killed": _killed("beat"),
        "a child of web killed": _child_killed("web"),
        "a child of the worker killed": _child_killed("worker"),
        "web dies at its n-th boundary": _dies_at_boundaries("web"),
        "worker dies at its n-th boundary": _dies_at_boundaries("worker"),
        "Redis restarted empty": _redis_is_emptied,
        "PostgreSQL killed and restarted": _postgresql_is_killed,
        "Stripe hangs up": _stripe(StripeTrouble.DROPS),
        "Stripe acts and hangs up": _stripe(StripeTrouble.DROPS_ANSWERS),
        "Stripe is slow": _stripe(StripeTrouble.DELAYS),
        "Stripe answers 500": _stripe(StripeTrouble.FAILS),
        "mail server hangs up": _mail(MailTrouble.DROPS),
        "mail server takes the mail and hangs up": _mail(MailTrouble.DROPS_ANSWERS),
        "mail server is slow": _mail(MailTrouble.DELAYS),
        "worker's clock ten minutes ahead": _clock_turned(TEN_MINUTES),
        "worker's clock two hours ahead": _clock_turned(TWO_HOURS),
        "worker's clock two hours behind": _clock_turned(-TWO_HOURS),
    }
)


@dataclass
class Faults:
    """Each kind `rounds` times. `counts` by kind; `last_at` is time.monotonic() when the last one
    was over."""

    seed: int
    rounds: int = 1
    counts: dict[str, int] = field(default_factory=dict)
    last_at: float = 0.0

    def make(self, services: Services) -> None:
        """What has ended by itself is started again."""
        dice = random.Random(self.seed)
        for name in in_turn(dice, self.rounds):
            time.sleep(dice.uniform(*DICE_PAUSE))
            KINDS[name](services, dice)
            services.revive()
            self.counts[name] = self.counts.get(name, 0) + 1
            self.last_at = time.monotonic()


def in_turn(dice: random.Random, rounds: int) -> Iterator[str]:
    for _round in range(rounds):
        yield from dice.sample(list(KINDS), len(KINDS))
