"""When a step happens: on the customer's clock, in the merchant's window, on payday."""
