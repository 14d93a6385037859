"""Long proofs: whatever is killed, what was acknowledged is done once (docs/reliability.md)."""
