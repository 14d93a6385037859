"""Where people work: the admin site of the platform's staff, owners, operators and viewers."""
