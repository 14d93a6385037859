"""python -m benchmarks.mail_sink PORT: a mail server that takes every mail and keeps none. NOOP is
answered with how many there were."""

import asyncio
import sys
from collections.abc import Iterator
from typing import cast

END = b"\r\n.\r\n"
ANSWERS = {
    b"EHLO": b"250-sink\r\n250 8BITMIME",
    b"DATA": b"354 Go on",
    b"QUIT": b"221 Bye",
}
TAKEN = b"250 OK"


class Sink(asyncio.Protocol):
    taken = 0  # by all connections
    _transport: asyncio.WriteTransport

    def __init__(self) -> None:
        self._heard = b""
        self._is_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._say(b"220 sink")

    def data_received(self, data: bytes) -> None:
        self._heard += data
        for answer in self._answers():
            self._say(answer)

    def _answers(self) -> Iterator[bytes]:
        """To each command, and to each mail, that was heard to its end."""
        while (end := END if self._is_mail else b"\r\n") in self._heard:
            said, _, self._heard = self._heard.partition(end)
            if self._is_mail:
                self._is_mail = False
                answer = self.take(said)
            else:
                self._is_mail = said[:4].upper() == b"DATA"
                answer = self.hear(said)
            if answer is None:
                self._transport.abort()
                return
            yield answer

    def take(self, mail: bytes) -> bytes | None:  # noqa: ARG002 - others look at it
        """The answer to a mail; None hangs up."""
        Sink.taken += 1
        return TAKEN

    def hear(self, said: bytes) -> bytes | None:
        """The answer to a command; None hangs up."""
        command = said[:4].upper()
        return b"250 %d" % Sink.taken if command == b"NOOP" else ANSWERS.get(command, TAKEN)

    def _say(self, answer: bytes) -> None:
        self._transport.write(answer + b"\r\n")


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
