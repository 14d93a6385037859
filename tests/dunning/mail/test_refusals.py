"""What the mail servers of the world say when they refuse a mail, and what they mean."""

import pytest

from dunning.mail.refusals import Meaning, meaning


@pytest.mark.parametrize(
    ("code", "text", "means"),
    [
        (550, "5.1.1 <jo@example.com>: User unknown in relay recipient table", "dead_address"),
        (550, "5.1.1 The email account that you tried to reach does not exist.", "dead_address"),
        (556, "5.1.10 Recipient address has null MX", "dead_address"),
        (550, "5.2.1 The email account that you tried to reach is disabled.", "dead_address"),
        (550, "No such user here", "dead_address"),
        (550, "<jo@example.com>... User unknown", "dead_address"),
        (550, "Unknown user", "dead_address"),
        (550, "Requested action not taken: mailbox unavailable", "dead_address"),
        (550, "mailbox not found", "dead_address"),
        (550, "sorry, no mailbox here by that name", "dead_address"),
        (550, "<jo@example.com>: Recipient address rejected", "dead_address"),
        (553, "Recipient unknown", "dead_address"),
        (551, "This account doesn't exist", "dead_address"),
        (554, "No such user here", "this_mail"),
        (550, "refused", "this_mail"),
        (501, "Syntax error in address", "this_mail"),
        (550, "5.2.10 later words", "this_mail"),
        (552, "5.3.4 Message size exceeds fixed limit", "this_mail"),
        (550, "relay not permitted", "relay"),
        (550, "5.4.1 Unable to relay", "relay"),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts", "relay"),
        (554, "<jo@example.com>: Relay access denied", "relay"),
        (554, "Service unavailable; Client host blocked using zen.spamhaus.org", "blocked"),
        (550, "Mailbox unavailable: 192.0.2.1 is listed at bl.example", "blocked"),
        (550, "5.7.1 blocked", "blocked"),
        (550, "5.7.26 This mail has been blocked: the sender is unauthenticated", "blocked"),
        (550, "5.4.1 Recipient address rejected: Access denied", "blocked"),
        (530, "Authentication required", "login"),
        (535, "5.7.8 Bad credentials", "login"),
        (550, "5.7.8 Bad credentials", "login"),
        (550, "Authentication is required for relay", "login"),
        (550, "5.1.8 Sender address rejected: Domain not found", "sender"),
        (550, "Sender address rejected: unverified address", "sender"),
        (552, "Mailbox full", "full"),
        (550, "5.2.2 user unknown to the quota daemon", "full"),
        (552, "Requested mail action aborted: exceeded storage allocation", "full"),
        (550, "The recipient's mailbox is over quota", "full"),
    ],
)
def test_a_refusal_means_what_its_code_or_its_words_say(code: int, text: str, means: str) -> None:
    assert meaning(code, text.encode()) == means


def test_words_that_are_no_text_mean_no_dead_address() -> None:
    assert meaning(550, b"\xff\xfe") is Meaning.THIS_MAIL
