"""The engines there are, by name, and which of them is right for a job."""

from functools import partial
from importlib import import_module
from typing import Protocol

from caseload_sim.engines import kernel, reference
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import Capacity, Plans
from caseload_sim.support.compiled import numba_is_loaded, numba_is_there


class Engine(Protocol):
    """Who holds which place on which day: the stays that these plans and places lead to."""

    def __call__(self, plans: Plans, capacity: Capacity, /) -> Episodes: ...


ENGINES: dict[str, Engine] = {"kernel": kernel.run, "reference": reference.run}
DEFAULT_ENGINE = "kernel"


def engine_for(name: str, client_runs: int) -> Engine:
    """The engine of that name, ready for a job of so many clients times replications.

    The kernel is compiled when the job is large enough to repay loading numba.
    """
    if name != "kernel":
        return ENGINES[name]
    return partial(kernel.run, compiled=client_runs >= kernel.WORTH_COMPILING and numba_is_there())


def is_compiled(engine: Engine) -> bool:
    """Whether it is the kernel, compiled."""
    return isinstance(engine, partial) and bool(engine.keywords.get("compiled"))


def load(engine: Engine) -> None:
    """Import numba if this engine needs it. Once it is there, draws are made by compiled code too."""
    if is_compiled(engine):
        import_module("numba")


def engine_at_hand(clients: int) -> Engine:
    """The kernel for a run of the queue within a replication: compiled if numba is loaded, or if so many clients repay loading it."""
    return engine_for(DEFAULT_ENGINE, max(clients, kernel.WORTH_COMPILING) if numba_is_loaded() else clients)
