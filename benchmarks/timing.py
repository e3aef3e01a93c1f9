"""Timings on a machine that does other things too: everything in turns, the shortest of several, each from a warm start."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes, seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def shortest(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Shortest of so many timings of each action, seconds; in turns, so that a busy minute hits all of them."""
    timings = [{name: seconds(action) for name, action in actions.items()} for _ in range(rounds)]
    return {name: min(timing[name] for timing in timings) for name in actions}


def peak_memory_bytes() -> int | None:
    """Most memory that this process has held; None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def in_a_fresh_process(module: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """What a module of this package prints as JSON when it is given an order as JSON, in a process of its own."""
    words = [sys.executable, "-m", module, json.dumps(order)]
    result = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def progress(words: str) -> None:
    """What is being done now, to the screen but not to the answer."""
    print(words, file=sys.stderr, flush=True)
