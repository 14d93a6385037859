"""The first page: whether it pays, and what needs a person now."""
