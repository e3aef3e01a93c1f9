"""The shortest of several timings: what a noisy machine disturbs least."""

import time
from collections.abc import Callable


def best_of(n: int, action: Callable[[], object]) -> float:
    """Shortest of n timings, seconds."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)
