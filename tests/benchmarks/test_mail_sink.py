"""The mail server that mails are measured with."""

import smtplib

from benchmarks import mails
from benchmarks.serving import stub


def test_it_takes_each_mail_and_counts_them() -> None:
    with stub("benchmarks.mail_sink") as port:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            for text in ("Subject: 1\n\nDATA\n.\nNOOP", "Subject: 2\n\n"):
                refused = connection.sendmail("shop@example.com", ["jo@example.com"], text)
                assert refused == {}
        assert mails.taken(port) == 2
