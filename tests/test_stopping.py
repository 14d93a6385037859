"""Who presses Ctrl-C twice is not answered by silence."""

import signal
import subprocess
import sys
from pathlib import Path

# Whatever the handler of a signal calls is met by the next one: a lock that it holds is held.
DEMO = """
import signal, sys
from tests.demo.processes import Processes, Stopped

def ask_again(frame, event, argument):
    handler = signal.getsignal(signal.SIGINT).__code__
    while frame and frame.f_code is not handler:
        frame = frame.f_back
    if frame:
        signal.raise_signal(signal.SIGINT)

processes = Processes(folder=".", environment={})
sys.settrace(ask_again)
print("ready", flush=True)
try:
    processes.watch()
except Stopped:
    print("stopped", flush=True)
"""


def test_the_demo_stops_also_if_it_is_asked_to_while_it_hears_of_that() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-c", DEMO],
        cwd=Path(__file__).parent.parent, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert demo.stdout
        assert demo.stdout.readline() == "ready\n"
        demo.send_signal(signal.SIGINT)

        assert demo.communicate(timeout=10)[0] == "stopped\n"
    finally:
        demo.kill()
        demo.communicate()
