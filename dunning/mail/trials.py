"""A message is tried: sent to one of the merchant's own people, about a debt that is made up.

It goes the way that customers' mails go, but is no DunningMessage: nothing counts it, and its
links lead nowhere.
"""

from datetime import datetime

from dunning.mail import handover, letters
from dunning.mail.handover import Fate
from dunning.wording import previews
from dunning.wording.previews import Sample
from dunning.wording.rendering import UnrenderableError
from dunning.wording.words import Words
from recovery.models import Merchant

MARK = "[Test]"
PERHAPS = "it may have gone or not"


class NotTriedError(Exception):
    """The mail didn't go; the text says why."""


def send(
    *, merchant: Merchant, name: str, language: str, words: Words | None, sample: Sample, to: str,
    now: datetime,
) -> None:  # fmt: skip
    """Raises TemplateRefusedError for words that can't be used, and NotTriedError."""
    content = previews.preview(
        merchant=merchant, name=name, language=language, words=words, sample=sample, now=now
    )
    try:
        mail = letters.write_trial(merchant=merchant, content=content, to=to, mark=MARK)
    except UnrenderableError as error:
        raise NotTriedError(str(error)) from error
    outcome = handover.hand_over(mail)
    if outcome.fate is Fate.UNKNOWN:
        raise NotTriedError(f"{outcome.why} So {PERHAPS}.")
    if outcome.fate is not Fate.TAKEN:
        raise NotTriedError(outcome.why)
