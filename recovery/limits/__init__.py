"""How often anybody may ask (the contract, section 6)."""
