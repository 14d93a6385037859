"""What a mail server means by a refusal: the recipient, the recipient's room, or the sender.

An address that is taken for dead by mistake is never written to again, so a refusal says so in
RFC 3463's codes or in the words of the mail servers, and else counts as about this mail alone.
"""

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType


class Meaning(enum.StrEnum):
    """Of a permanent refusal."""

    DEAD_ADDRESS = "dead_address"
    FULL = "full"  # the mailbox, which is emptied one day
    LOGIN = "login"  # we don't log in, or with the wrong password
    RELAY = "relay"  # the server doesn't take our mail to others
    BLOCKED = "blocked"  # a block list or the server's policy is against us
    SENDER = "sender"  # the address that we write from
    THIS_MAIL = "this_mail"  # whatever else


# What the merchant has to set right before any mail goes out.
OUR_OWN: Mapping[Meaning, str] = MappingProxyType(
    {
        Meaning.LOGIN: "The mail server doesn't let us log in",
        Meaning.RELAY: "The mail server doesn't pass our mail on",
        Meaning.BLOCKED: "The mail server blocks our mail",
        Meaning.SENDER: "The mail server refuses the sender's address",
    }
)

# https://datatracker.ietf.org/doc/html/rfc4954#section-6 (530, 534, 535, 538; 532 by RFC 5248)
ABOUT_LOGIN = {530, 532, 534, 535, 538}
# The codes of SMTP that may be about a mailbox:
# https://datatracker.ietf.org/doc/html/rfc5321#section-4.2.2
ABOUT_MAILBOX = {550, 551, 553}

ENHANCED = re.compile(r"\s*(5\.\d{1,3}\.\d{1,3})\b")
# https://www.iana.org/assignments/smtp-enhanced-status-codes; the first that fits holds.
BY_CODE: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile(r"5\.1\.[78]$"), Meaning.SENDER),  # RFC 3463, 3.2: the sender's own address
    (re.compile(r"5\.1\."), Meaning.DEAD_ADDRESS),  # RFC 3463, 3.2; RFC 7505 for 5.1.10
    (re.compile(r"5\.2\.1$"), Meaning.DEAD_ADDRESS),  # RFC 3463, 3.3: the mailbox is disabled
    (re.compile(r"5\.2\.2$"), Meaning.FULL),  # RFC 3463, 3.3
    (re.compile(r"5\.7\.(8|9|11)$"), Meaning.LOGIN),  # RFC 4954, 6
    (re.compile(r"5\.7\."), Meaning.BLOCKED),  # RFC 3463, 3.8: security or policy
)
# In the words of qmail (rcpthosts), Exim ("relay not permitted"), Postfix ("relay access denied",
# "blocked using", "sender address rejected"), Sendmail ("relaying denied"), Exchange ("unable to
# relay") and of RFC 5321, 4.2.2; the first that fits holds, since who is blocked is often told
# that a mailbox is "unavailable".
BY_WORDS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile(r"authenticat|log ?in required"), Meaning.LOGIN),
    (
        re.compile(
            r"rcpthosts|relaying|unable to relay|(not|cannot|can't|won't) relay"
            r"|relay (not|access|denied|prohibited)|not (permitted|allowed) to relay"
        ),
        Meaning.RELAY,
    ),
    (re.compile(r"sender (address |domain )?(rejected|refused|denied|verify)"), Meaning.SENDER),
    (
        re.compile(
            r"block|black ?list|listed (at|in|by|on)|spamhaus|spamcop|barracuda|\b[dr]n?s?bl\b"
            r"|\bspam\b|reputation|\bspf\b|\bdkim\b|\bdmarc\b|policy|access denied"
        ),
        Meaning.BLOCKED,
    ),
    (
        re.compile(
            r"(mailbox|inbox|account|user|recipient)( is|'s)?( \S+)?( is)? (full|over ?quota)"
            r"|over quota|quota exceeded|exceed\w* (\w+ )*quota|(exceeded|insufficient) .*storage"
        ),
        Meaning.FULL,
    ),
)
# In the words of Sendmail and Postfix ("user unknown"), Exim ("unknown user", "unrouteable"),
# qmail ("no mailbox here by that name"), Exchange ("recipient not found"), Gmail ("does not
# exist") and RFC 5321, 4.2.2 ("mailbox unavailable").
NO_MAILBOX = re.compile(
    r"(user|recipient|mailbox|account|address)( \S+)?( is)? (unknown|not known)"
    r"|unknown (user|recipient|mailbox|account|address|local)"
    r"|no such (user|recipient|mailbox|account|address|person)"
    r"|(user|recipient|mailbox|account|address)( \S+)?( is| was)? (not found|unavailable)"
    r"|(user|recipient|mailbox|account|address)( \S+)?( is)? (disabled|inactive|closed)"
    r"|(does not|doesn't|doesn.t) exist|no mailbox|not a (valid|known) (user|mailbox|recipient)"
    r"|invalid (recipient|mailbox|user)|recipient( address)? rejected|unrouteable"
)


def meaning(code: int, text: bytes) -> Meaning:
    """Of a permanent refusal (5xx) in these words, which may begin with RFC 3463's code."""
    words = text.decode(errors="replace").lower()
    if code in ABOUT_LOGIN:
        return Meaning.LOGIN
    if enhanced := ENHANCED.match(words):
        for pattern, means in BY_CODE:
            if pattern.match(enhanced[1]):
                return means
    for pattern, means in BY_WORDS:
        if pattern.search(words):
            return means
    if code in ABOUT_MAILBOX and NO_MAILBOX.search(words):
        return Meaning.DEAD_ADDRESS
    return Meaning.THIS_MAIL
