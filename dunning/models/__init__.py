from dunning.models.addresses import SuppressedAddress
from dunning.models.campaigns import (
    Channel,
    DelayFrom,
    DunningCampaign,
    DunningStep,
    EndAction,
    PublishedError,
)
from dunning.models.closings import Closing
from dunning.models.messages import NEW_LINK, DunningMessage
from dunning.models.retries import DunningRetry
from dunning.models.runs import DunningRun
from dunning.models.templates import MessageTemplate

__all__ = [
    "NEW_LINK",
    "Channel",
    "Closing",
    "DelayFrom",
    "DunningCampaign",
    "DunningMessage",
    "DunningRetry",
    "DunningRun",
    "DunningStep",
    "EndAction",
    "MessageTemplate",
    "PublishedError",
    "SuppressedAddress",
]
