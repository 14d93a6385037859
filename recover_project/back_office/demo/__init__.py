"""Six months of made-up cases, to look at: never worked, never written about, never charged."""
