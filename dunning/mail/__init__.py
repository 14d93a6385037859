"""How a message goes out at most once, and what becomes of it."""
