"""Measures the library beside its peers, in the same run. See docs/performance.md."""
