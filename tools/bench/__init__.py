"""Figures of this machine, each beside its rival in one run: `./dev bench` (docs/performance.md)."""
