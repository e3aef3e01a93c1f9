"""Random services for the agreement of engines: small, crowded, full of ties and edge cases."""

import numpy as np

from caseload_sim.engines.plans import (
    DROPPED_OUT,
    FINISHED,
    NEVER,
    NO_CLIENT,
    NO_STEP,
    NOT_YET,
    Capacity,
    Courses,
    Plans,
    plans_of,
)

SHAPES = ("crowded", "cut in mid-flow", "priorities", "returns", "running start", "everything")


def random_service(seed: int) -> tuple[Courses, Capacity]:
    """One service. Half of all seeds end in mid-flow; every sixth has everything at once."""
    rng = np.random.default_rng([20161123, seed])
    shape = SHAPES[seed % len(SHAPES)]
    everything = shape == "everything"
    n, s = int(rng.integers(1, 40)), int(rng.integers(1, 5))
    horizon = int(rng.integers(8, 30)) if seed % 2 else int(rng.integers(60, 160))
    longest = int(rng.integers(1, 12))
    joins = rng.integers(0, max(horizon // int(rng.integers(1, 6)), 1), n)
    first = rng.integers(0, s, n)
    first[rng.random(n) < 0.05] = NO_STEP
    patience = rng.integers(1, int(rng.integers(2, 25)), (n, s))
    patience[rng.random((n, s)) < rng.choice([0.1, 0.5, 1.0])] = NEVER
    well = rng.integers(-5, horizon, (n, s))  # also before the day of joining
    well[rng.random((n, s)) < rng.choice([0.5, 0.8, 1.0])] = NEVER
    days = rng.integers(1, longest + 1, (n, s))
    started = np.full(n, NOT_YET)
    if shape == "running start" or everything:
        before = np.flatnonzero(rng.random(n) < 0.4)
        joins[before] = -rng.integers(1, 15, len(before))
        for client in before[: len(before) // 2]:
            if first[client] != NO_STEP:
                started[client] = rng.integers(joins[client], 0)
                days[client, first[client]] = -started[client] + rng.integers(0, longest + 1)
        for table in (patience, well):  # nobody may have left before opening
            table[before] = np.where(table[before] == NEVER, NEVER, np.maximum(table[before], 1) + 15)
    priority = rng.integers(-1, 3, (n, s)) if shape == "priorities" or everything else np.zeros((n, s))
    returns = np.full(n, NO_CLIENT)
    if shape == "returns" or everything:
        later = np.flatnonzero(rng.random(n) < 0.4)
        later = later[later > 0]
        leavers = rng.permutation(n)[: len(later)]
        for leaver, comes_back_as in zip(leavers, later, strict=True):
            if leaver < comes_back_as:  # so that no chain of returns runs in a circle
                returns[leaver] = comes_back_as
                joins[comes_back_as], started[comes_back_as] = NOT_YET, NOT_YET
    courses = Courses(
        joins_day=joins.astype(np.int32),
        first_step=first.astype(np.int8),
        course_days=days.astype(np.int32),
        patience_days=patience.astype(np.int32),
        priority=priority.astype(np.int32),
        ending=rng.choice([FINISHED, DROPPED_OUT], (n, s)).astype(np.int8),
        inside_from=rng.integers(-2, horizon, (n, s)).astype(np.int32),
        well_after=well.astype(np.int32),
        next_inside=_next_steps(rng, n, s),
        next_outside=_next_steps(rng, n, s),
        started_day=started.astype(np.int32),
        returns_as=returns.astype(np.int32),
        return_after_days=rng.integers(1, 9, n).astype(np.int32),
    )
    return courses, Capacity(_places(rng, horizon, s), tuple(f"step_{k}" for k in range(s)))


def random_plans(seed: int) -> tuple[Plans, Capacity]:
    """The same service as engines read it."""
    courses, capacity = random_service(seed)
    return plans_of(courses), capacity


def _next_steps(rng: np.random.Generator, n: int, s: int) -> np.ndarray:
    """Steps up, down and round in circles; half of all courses lead nowhere."""
    steps = rng.integers(0, s, (n, s))
    steps[rng.random((n, s)) < 0.5] = NO_STEP
    return steps.astype(np.int8)


def _places(rng: np.random.Generator, horizon: int, s: int) -> np.ndarray:
    """Constant, rising and falling, or shut on some days."""
    most = int(rng.integers(1, 6))
    kind = rng.integers(0, 3)
    if kind == 0:
        table = np.tile(rng.integers(0, most + 1, s), (horizon, 1))
    elif kind == 1:
        table = np.abs(rng.integers(-1, 2, (horizon, s)).cumsum(axis=0) + most)
    else:
        table = rng.integers(0, most + 1, (horizon, s))
    return table.astype(np.int32)
