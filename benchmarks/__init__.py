"""How fast the product is, each time against a yardstick on the same machine in the same run."""
