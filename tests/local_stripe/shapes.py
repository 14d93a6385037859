"""The names of the loose shapes that Stripe's JSON comes in."""

from typing import Any

Object = dict[str, Any]  # one Stripe object, in the newest API version's shape
Params = dict[str, Any]  # decoded request parameters
