"""What load balancers, orchestrators and Prometheus ask (docs/operations.md)."""
