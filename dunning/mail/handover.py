"""A mail is given to the mail server or provider, and what that made of it is told apart: taken,
refused for good, refused for now, or nobody knows.

A mail server is greeted once for several mails, where they follow each other (`line`).
"""

import contextlib
import enum
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from smtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import TypeVar

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from urllib3.exceptions import MaxRetryError

from dunning.mail.refusals import OUR_OWN, Meaning, meaning
from recovery import log_context

logger = logging.getLogger(__name__)
Item = TypeVar("Item")

FINE, PERMANENT = 250, 500  # SMTP replies; from there on they are final
MAILS_OF_A_LINE = 50  # servers count, and some hang up on a hundred
# HTTP answers that are about the account, the key or the moment, not about the mail.
NOT_NOW = {404, 408, 425, 429}
NOT_OURS = {401, 402, 403}  # nor are they until somebody sets the account right


class Fate(enum.StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"  # the mail, for good
    DEAD_ADDRESS = "dead_address"  # the recipient, for good
    NOT_YET = "not_yet"  # this mail, for now: a server that says so for ever is given up
    OUTAGE = "outage"  # certainly not taken, and no fault of the mail's
    OUR_OWN = "our_own"  # an outage that lasts until a person sets us right with the server
    UNKNOWN = "unknown"  # taken or not


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail; `provider_id` is "" where the provider gave it no name. If nobody
    `is_there`, no other mail would come further."""

    fate: Fate
    why: str = ""
    provider_id: str = ""
    is_there: bool = True


class Line:
    """The way to the mail server. What was said over it is over with each mail: before the next
    one the server is asked whether it still listens, since what fails then was surely not sent.

    A provider is called anew for each mail: there is no asking.
    """

    def __init__(self) -> None:
        self._kept: BaseEmailBackend | None = None
        self._mails = 0

    def open(self) -> BaseEmailBackend:
        """Raises what a mail server raises that can't be reached, or knows no such login."""
        if self._kept and (self._mails >= MAILS_OF_A_LINE or not _listens(self._kept)):
            self.close()
        if self._kept is None:
            connection = get_connection()
            connection.open()
            self._kept, self._mails = connection, 0
        self._mails += 1
        return self._kept

    def close(self) -> None:
        if self._kept:
            with contextlib.suppress(SMTPException, OSError):  # a farewell changes nothing
                self._kept.close()
        self._kept = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A mail, and what a line of the log that is about it says (log_context.py)."""

    mail: AnymailMessage
    ids: Mapping[str, str]


class Lines:
    """Several lines, over which mails are handed over at the same time: most of what one takes is
    waiting for the server's answers. One that isn't needed isn't opened."""

    def __init__(self, most: int) -> None:
        self._lines = [Line() for _one in range(most)]

    def hand_over(
        self, parcels: Sequence[Parcel], *, within: timedelta
    ) -> Iterator[Mapping[int, Outcome]]:
        """What became of each mail, by its place: of all of them once they are done or `within` is
        over, and of those that the server takes longer for when it is done with them.

        Where the server isn't there, or has no time, a mail isn't begun, and surely not sent. The
        threads that hand over may not ask the database.
        """
        waiting, done = deque(enumerate(parcels)), _Done()
        if len(parcels) == 1:
            _work(self._lines[0], waiting, done)
            yield done.taken(waiting)
            return
        with ThreadPoolExecutor(len(self._lines)) as threads:
            lines = self._lines[: len(parcels)]
            working = [threads.submit(_work, line, waiting, done) for line in lines]
            wait(working, timeout=within.total_seconds())
            yield done.taken(waiting)
            wait(working)
            if late := done.taken(waiting):
                yield late

    def close(self) -> None:
        for line in self._lines:
            line.close()


class _Done:
    """What became of mails, put in by the threads and taken out by who waits for them."""

    def __init__(self) -> None:
        self._put: deque[tuple[int, Outcome]] = deque()
        self._unbegun = Outcome(Fate.OUTAGE, "The mail server had no time for it.")

    def put(self, place: int, outcome: Outcome) -> None:
        self._put.append((place, outcome))
        if not outcome.is_there:  # nor is it for those that nobody tries then
            self._unbegun = outcome

    def taken(self, waiting: deque[tuple[int, Parcel]]) -> dict[int, Outcome]:
        """What is new, and that none of the `waiting` was begun, nor will be."""
        unbegun = {place: self._unbegun for place, _parcel in _drained(waiting)}
        return {**unbegun, **dict(_drained(self._put))}


def _drained(items: deque[Item]) -> Iterator[Item]:
    """Until there are none; others may take some, too."""
    with contextlib.suppress(IndexError):
        while True:
            yield items.popleft()


def _work(line: Line, waiting: deque[tuple[int, Parcel]], done: _Done) -> None:
    for place, parcel in _drained(waiting):
        outcome = _handed_over(parcel, line)
        done.put(place, outcome)
        if not outcome.is_there:
            return


def _handed_over(parcel: Parcel, line: Line) -> Outcome:
    """What nobody thought of may have come before the server took it, or after."""
    with log_context.about(**parcel.ids):
        try:
            return hand_over(parcel.mail, through=line)
        except Exception:
            logger.exception("A mail could not be handed over.")
            return Outcome(Fate.UNKNOWN, "It failed while it was handed over.")


@contextlib.contextmanager
def lines() -> Iterator[Lines]:
    """For mails that go at the same time."""
    kept = Lines(settings.MAIL_CONNECTIONS)
    try:
        yield kept
    finally:
        kept.close()


@contextlib.contextmanager
def line() -> Iterator[Line]:
    """For mails that follow each other."""
    kept = Line()
    try:
        yield kept
    finally:
        kept.close()


def hand_over(mail: AnymailMessage, *, through: Line | None = None) -> Outcome:
    """Send the mail once, over a line of its own unless it is told which. Connecting comes first,
    so that what fails there was surely not sent."""
    if through is None:
        with line() as own:
            return hand_over(mail, through=own)
    try:
        mail.connection = through.open()
    except ImproperlyConfigured:
        return Outcome(Fate.OUR_OWN, "The mail provider isn't set up.", is_there=False)
    except SMTPAuthenticationError as error:
        return _of_login(error)
    except (SMTPException, OSError) as error:
        why = f"The mail server can't be reached ({type(error).__name__})."
        return Outcome(Fate.OUTAGE, why, is_there=False)
    is_taken = False
    try:
        mail.send()
        is_taken = True
    except AnymailError as error:
        return _of_provider(error)
    except (SMTPException, OSError, ValueError) as error:
        return _of_mail_server(error)
    finally:
        if not is_taken:  # nobody knows what the server is waiting for now
            through.close()
    status = getattr(mail, "anymail_status", None)
    return Outcome(Fate.TAKEN, provider_id=str(getattr(status, "message_id", None) or ""))


# --- SMTP -------------------------------------------------------------------------------------


def _listens(connection: BaseEmailBackend) -> bool:
    server = connection.connection if isinstance(connection, EmailBackend) else None
    if server is None:
        return False
    try:
        code, _said = server.noop()
    except (SMTPException, OSError):
        return False
    return bool(code == FINE)


def _of_login(error: SMTPAuthenticationError) -> Outcome:
    fate = Fate.OUR_OWN if error.smtp_code >= PERMANENT else Fate.OUTAGE
    return Outcome(fate, f"{OUR_OWN[Meaning.LOGIN]} ({error.smtp_code}).", is_there=False)


def _of_mail_server(error: Exception) -> Outcome:
    if isinstance(error, SMTPRecipientsRefused):
        return _of_reply(*max(error.recipients.values()), whose=Fate.DEAD_ADDRESS)
    if isinstance(error, SMTPSenderRefused):
        return _of_sender(error)
    if isinstance(error, SMTPResponseException):
        return _of_reply(error.smtp_code, _text(error), whose=Fate.REFUSED)
    if isinstance(error, ValueError | SMTPNotSupportedError):
        # It can't be built, or not be put in this server's words: it never heard of the mail.
        return Outcome(Fate.REFUSED, "No mail can be written to this address.")
    return Outcome(Fate.UNKNOWN, "The mail server was lost while it took the mail.")


def _of_sender(error: SMTPSenderRefused) -> Outcome:
    """No mail of ours comes further than this one."""
    means = meaning(error.smtp_code, _text(error))
    why = OUR_OWN.get(means, OUR_OWN[Meaning.SENDER])
    fate = Fate.OUR_OWN if error.smtp_code >= PERMANENT else Fate.OUTAGE
    return Outcome(fate, f"{why} ({error.smtp_code}).")


def _of_reply(code: int, text: bytes, *, whose: Fate) -> Outcome:
    """To the recipient, who may be welcome later (greylisting), or to the mail's content, which
    proves no address dead: `whose` is the fate where the mailbox isn't there."""
    refused = f"The mail server refused the mail ({code})."
    if code < PERMANENT:
        return Outcome(Fate.NOT_YET, refused)
    means = meaning(code, text)
    if means in OUR_OWN:
        return Outcome(Fate.OUR_OWN, f"{OUR_OWN[means]} ({code}).")
    if means is Meaning.FULL:
        return Outcome(Fate.NOT_YET, f"The recipient's mailbox is full ({code}).")
    return Outcome(whose if means is Meaning.DEAD_ADDRESS else Fate.REFUSED, refused)


def _text(error: SMTPResponseException) -> bytes:
    return error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()


# --- providers --------------------------------------------------------------------------------


def _of_provider(error: AnymailError) -> Outcome:
    if isinstance(error, AnymailRecipientsRefused):
        return Outcome(Fate.DEAD_ADDRESS, "The mail provider refuses to write to this address.")
    if not isinstance(error, AnymailAPIError):
        # It can't be put in the provider's words, which never heard of it.
        return Outcome(Fate.REFUSED, "No mail can be written to this address.")
    if error.status_code is None:
        return _of_connection(error)
    return _of_answer(error.status_code)


def _of_answer(code: int) -> Outcome:
    why = f"The mail provider refused the mail ({code})."
    if code == HTTPStatus.GATEWAY_TIMEOUT:  # who answers doesn't know what became of it
        return Outcome(Fate.UNKNOWN, "The mail provider didn't say whether it took the mail.")
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(Fate.UNKNOWN, "The mail provider's answer can't be read.")
    if code in NOT_OURS:
        return Outcome(Fate.OUR_OWN, why)
    if code in NOT_NOW or code >= PERMANENT or code < HTTPStatus.BAD_REQUEST:
        return Outcome(Fate.OUTAGE, why)
    return Outcome(Fate.REFUSED, why)


def _of_connection(error: AnymailAPIError) -> Outcome:
    """No answer: certain only where there never was a connection, or no address to connect to."""
    cause = error.__cause__
    reason = cause.args[0] if cause and cause.args else None
    if isinstance(reason, MaxRetryError) or isinstance(cause, ValueError):
        why = f"The mail provider can't be reached ({type(cause).__name__})."
        return Outcome(Fate.OUTAGE, why, is_there=False)
    return Outcome(Fate.UNKNOWN, "The mail provider was lost while it took the mail.")
