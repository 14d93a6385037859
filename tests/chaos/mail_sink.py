"""python -m tests.chaos.mail_sink PORT FOLDER: the mail server of the benchmarks, which writes the
Message-ID of each mail that it took into FOLDER/mails.txt and makes trouble when it is told to.

`NOOP trouble NAME SECONDS` tells it: see Trouble.
"""

import asyncio
import enum
import re
import sys
import time
from pathlib import Path
from typing import TextIO

from benchmarks.mail_sink import TAKEN, Sink

MESSAGE_ID = re.compile(rb"^Message-ID:\s*<?([^>\r\n]+)", re.IGNORECASE | re.MULTILINE)
DELAY = 2.0  # seconds


class Trouble(enum.StrEnum):
    NONE = "none"
    DROPS = "drops"  # hangs up before it has heard a mail
    DROPS_ANSWERS = "drops_answers"  # takes the mail, and hangs up
    DELAYS = "delays"


class Recording(Sink):
    log: TextIO
    trouble, until = Trouble.NONE, 0.0

    def data_received(self, data: bytes) -> None:
        if self._is_in(Trouble.DELAYS):
            asyncio.get_running_loop().call_later(DELAY, super().data_received, data)
        else:
            super().data_received(data)

    def take(self, mail: bytes) -> bytes | None:
        if self._is_in(Trouble.DROPS):
            return None
        found = MESSAGE_ID.search(mail)
        print(found[1].decode() if found else "none", file=self.log, flush=True)
        return None if self._is_in(Trouble.DROPS_ANSWERS) else super().take(mail)

    def hear(self, said: bytes) -> bytes | None:
        words = said.decode(errors="replace").split()
        if words[:2] != ["NOOP", "trouble"]:
            return super().hear(said)
        Recording.trouble = Trouble(words[2])
        Recording.until = time.monotonic() + float(words[3])
        return TAKEN

    def _is_in(self, trouble: Trouble) -> bool:
        return Recording.trouble is trouble and time.monotonic() < Recording.until


async def main(port: int, folder: Path) -> None:
    with (folder / "mails.txt").open("a") as Recording.log:
        server = await asyncio.get_running_loop().create_server(Recording, "127.0.0.1", port)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
