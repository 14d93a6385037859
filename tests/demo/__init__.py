"""What `python3 dev.py run` runs: the product's processes, a Stripe and a mailbox beside."""
