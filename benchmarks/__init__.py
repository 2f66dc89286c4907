"""Benchmarks. `make bench` compares the speed with that of other tools in one run."""
