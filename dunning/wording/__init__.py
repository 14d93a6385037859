"""What a message says, in eight languages and in merchants' own words."""
