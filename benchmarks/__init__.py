"""Benchmarks: `make bench`. Each figure is CPU seconds of a fresh process, beside its target."""
