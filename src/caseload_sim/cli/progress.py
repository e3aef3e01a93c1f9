"""Progress of long work, on stderr."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from caseload_sim.scenario.scenario import Scenario


class Progress:
    """Progress on stderr: a bar on a terminal, one line elsewhere."""

    def __init__(
        self, scenario: Scenario, counted: str = "replications", named: str = "", notes: Sequence[str] = ()
    ) -> None:
        """Of a scenario; `named` is what to call the work when it is of several, notes what to say before it."""
        self.counted, self.notes = counted, notes
        run = scenario.run
        self.title = (
            f"{named or scenario.name}, seed {run.seed}, {run.replications} replication{'s' * (run.replications > 1)}"
        )
        self.periods = f"{run.warm_up_days} days warm-up, {run.data_collection_days} data collection, {run.follow_up_days} follow-up"
        self.total = run.replications

    def __enter__(self) -> "Progress":
        console = Console(stderr=True)
        console.print(f"{self.title}: {self.periods}", markup=False, highlight=False, soft_wrap=True)
        for note in self.notes:
            console.print(note, markup=False, highlight=False, soft_wrap=True)
        columns = (TextColumn(self.counted), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task("", total=self.total)
        self.bar.start()
        return self

    def __call__(self, done: int, of: int) -> None:
        self.bar.update(self.task, completed=done, total=of)

    def __exit__(self, *_: object) -> None:
        if not self.bar.disable:  # or older versions of rich print an empty line
            self.bar.stop()
