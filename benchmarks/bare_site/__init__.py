"""What Recover's door for Stripe's events is measured against: a Django that does no more than
verify an event and insert it."""
