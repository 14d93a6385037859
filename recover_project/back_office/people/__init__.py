"""Who logs in and how: the way in, the second factor, sessions, looking on, what was changed."""
