"""How fast the program is, against what: `python -m benchmarks` measures, and writes docs/performance.md."""
