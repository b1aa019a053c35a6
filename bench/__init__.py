"""Benchmarks of the service beside reference implementations: what `make bench` and `make bench-mesh` run."""
