"""What the demo tells whoever started it."""

from .merchant import Login

PREFIX = "/fourthngoal/recover"


def full(*, web: str, stripe: str, mailbox: str | None, login: Login) -> str:
    read_mail = (
        f"Open the mailbox, read the mail, follow its button.\n       {mailbox}/"
        if mailbox
        else "Read the mail where EMAIL_URL sends it, and follow its button."
    )
    return f"""
Recover is running, with a local Stripe beside it. No real money, no real mail.

  1. On the local Stripe page, press "Make the renewal fail". (An expired card is written about
     at once; after insufficient funds the first mail waits a day for Stripe's own retries.)
       {stripe}/
  2. {read_mail}
  3. Update the card with 4242 4242 4242 4242 in the portal.
  4. See the case recovered:
       curl -H "X-Internal-Key: {login.internal_key}" {web}{PREFIX}/dashboard
     or in the back office:
       {web}/admin/   ({login.email}, password {login.password})

The back office shows six months of made-up cases, marked as demo data: nobody is written to or
charged for them. To remove them:
  .venv/bin/python manage.py demo_data {login.merchant_id} --remove

Other commands of manage.py need to know of the local Stripe, and of the port:
  export STRIPE_API_BASE={stripe} PUBLIC_URL={web}

A one-time payment that fails is written about after a minute: most buyers try again at once.

Ctrl-C stops everything.
"""


def with_your_stripe(*, web: str, mailbox: str | None) -> str:
    mail = f"  Mailbox:      {mailbox}/\n" if mailbox else ""
    return f"""
Recover is running with the Stripe that STRIPE_API_KEY or STRIPE_API_BASE names.

  Back office:  {web}/admin/
{mail}
Make a merchant and someone who may log in:
  .venv/bin/python manage.py create_merchant "Your business" --stripe-api-key rk_test_...
  .venv/bin/python manage.py create_operator you@example.com --merchant mer_...

Ctrl-C stops everything.
"""
