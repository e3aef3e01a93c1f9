"""How replications are carried out, whatever is asked of them: one value that goes through every function that simulates."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypedDict

from caseload_sim.engines.engine import DEFAULT_ENGINE
from caseload_sim.errors import RunError
from caseload_sim.experiments.tasks import Kept
from caseload_sim.scenario.policies import Decide

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How replications are carried out. Engine, executor and what is kept never change an answer; the last two do.

    engine: a name in ENGINES
    executor: where replications run, such as `Workers(4)`; in this process if None
    kept: finished replications, by what was run and which replication: those in it are not run again, and those that run
        are put in; none are kept if None
    progress: called with (done, of) as the work goes on
    policy: a function of the user's own that decides instead of the scenario's policy; see `simulate`
    parameter_uncertainty: draw each published prevalence anew for each replication; see `replicate`
    """

    engine: str = DEFAULT_ENGINE
    executor: Executor | None = None
    kept: Kept | None = None
    progress: Progress | None = None
    policy: Decide | None = None
    parameter_uncertainty: bool = False

    def __post_init__(self) -> None:
        """Raises RunError for a policy of one's own together with an executor: other processes do not know the function."""
        if self.policy is not None and self.executor is not None:
            raise RunError("a policy of your own runs in this process alone: leave out the executor, or --jobs.")

    def report(self, done: int, of: int) -> None:
        """Tell the progress function, if there is one, how far the work is."""
        if self.progress:
            self.progress(done, of)


class RunKeywords(TypedDict, total=False):
    """The fields of `RunOptions` as keywords, which every public function that simulates takes, and folds into one."""

    engine: str
    executor: Executor | None
    kept: Kept | None
    progress: Progress | None
    policy: Decide | None
    parameter_uncertainty: bool
