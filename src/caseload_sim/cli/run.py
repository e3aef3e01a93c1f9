"""The command that runs one scenario."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from caseload_sim.analysis.event_log import event_names
from caseload_sim.analysis.warm_up import too_short, warm_up
from caseload_sim.cli.options import DEFAULT, OF_A_TABLE, ScenarioArgument, Shared, as_written_now, takes
from caseload_sim.cli.printing import print_json, say, tell
from caseload_sim.cli.running import announce_work, at_work, kept_if_stopped, saved_in
from caseload_sim.cli.show import print_tables, print_uncertainty
from caseload_sim.engines.engine import DEFAULT_ENGINE, ENGINES
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiments.precision import (
    DEFAULT_MOST,
    FIRST_REPLICATIONS,
    Precision,
    Reached,
    precision_from,
    replicate_until,
)
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.run_options import RunKeywords
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import FreshRun, figure_names, figures_from_today
from caseload_sim.figures.painter import Painter
from caseload_sim.measures.headline import headline
from caseload_sim.measures.rows import Row
from caseload_sim.runs.folder import RunFolder, run_name
from caseload_sim.runs.record import inputs_of_run
from caseload_sim.runs.tables import as_json_object, write_csv
from caseload_sim.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for besides its scenario.

    figures: which to draw, none if empty; precision: until when to go on; most: with at most so many replications
    """

    engine: str = DEFAULT_ENGINE
    parameter_uncertainty: bool = False
    with_events: bool = False
    figures: tuple[str, ...] = ()
    precision: Precision | None = None
    most: int = DEFAULT_MOST


@takes(
    *OF_A_TABLE,
    out="Folder in which the run's own folder is made.",
    json="Print every row as JSON instead of the answer.",
)
def run(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    figure: Annotated[
        list[str] | None,
        typer.Option(
            help="Draw this figure instead of those by default; repeatable. `caseload-sim list figures` shows all."
        ),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw no figures.")] = False,
    engine: Annotated[
        str, typer.Option(help="kernel, or reference: the SimPy engine, the same answer more slowly.")
    ] = "kernel",
    parameter_uncertainty: Annotated[
        bool,
        typer.Option(
            "--parameter-uncertainty",
            help="Draw each published prevalence anew for each replication, and split the spread into chance and sources.",
        ),
    ] = False,
    with_events: Annotated[
        bool,
        typer.Option(
            "--event-log", help="Save the first replication's events too: who waited and held which place when."
        ),
    ] = False,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="'FIGURE=WIDTH'",
            help="As many replications as it takes for the 95% interval of a figure, MEASURE/BASE/AT, to be within this of its "
            "value: 0.5pp (percentage points) for a share, a plain number for all else. 0.5pp alone is for recovery/finished/end. "
            "--replications is then the most there may be, 1,000 if not given.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Print all tables with every definition first, as `show RUN all` does.")
    ] = False,
    short: Annotated[
        bool, typer.Option("--headline", help="With --json: the short answer instead of every row.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the folder in which everything is saved.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV instead of the answer.")] = False,
) -> None:
    """Run a scenario: who is referred, who gets well by which definition, how long people wait, and what it costs.

    The answer takes sixteen lines. Everything else is saved: `caseload-sim show` prints it, with every definition.

    Examples:

        caseload-sim run

        caseload-sim run trial_world --seed 7 --replications 20 --out results/

        caseload-sim run hepgul_2016 --set population.prevalence.alcohol_dependence.value=0.30

        caseload-sim run --precision 0.5pp --jobs 2
    """
    printed = Printed(json=shared.json, csv=csv, full=full, short=short, quiet=quiet)
    printed.check()
    if engine not in ENGINES:
        raise RunError(f"--engine {engine}: no such engine. {did_you_mean(engine, ENGINES)}")
    with Painter(worth_it=not no_figures) as painter:
        figures = () if no_figures else tuple(figure_names(figure, "run"))
        looks = shared.looks
        chosen = shared.opened(scenario)
        if figures and not figure:
            figures += tuple(figures_from_today(chosen))
        if with_events:
            event_names(chosen.steps)
        wanted = precision_from(as_written_now("--precision", precision)) if precision else None
        most = shared.replications or DEFAULT_MOST
        asked = Asked(engine, parameter_uncertainty, with_events, figures, wanted, most)
        chosen = ready(chosen, shared, asked)
        folder = folder_of(chosen, shared, asked)
        with kept_if_stopped(folder):
            results, reached = simulated(chosen, shared, asked, folder)
            images = painter.begin(FreshRun.of(results), figures, looks) if figures else None
            # Shown before figures are drawn, even to a program that reads it.
            unprinted = printed.show(results)
            folder.save(
                results,
                engine,
                images,
                with_events=with_events,
                parameter_uncertainty=parameter_uncertainty,
                reached=reached,
            )
    if quiet:
        say(str(folder.final))
    else:
        say_what_else(results, reached, folder, figures, full=full)
    if unprinted:
        raise unprinted


def ready(scenario: Scenario, shared: Shared, asked: Asked) -> Scenario:
    """The scenario with its seed and the replications to begin with; says how much there is to do, if it is much."""
    longest = with_run(scenario, shared.seed, asked.most if asked.precision else shared.replications)
    drawn = bool(asked.figures)
    keeping = Keeping(all_tables=True, events=asked.with_events, painted=drawn, painter=drawn)
    times = 1 + asked.parameter_uncertainty
    announce_work([longest], shared.beyond_limits, times=times, jobs=shared.jobs, keeping=keeping)
    return with_run(longest, None, min(FIRST_REPLICATIONS, asked.most)) if asked.precision else longest


def folder_of(scenario: Scenario, shared: Shared, asked: Asked) -> RunFolder:
    """The run's own folder, begun or taken up."""
    until = f"until {asked.precision!r} at most {asked.most}" if asked.precision else ""
    name = run_name(scenario, f"{'parameter_uncertainty' if asked.parameter_uncertainty else ''}{until}")
    inputs = inputs_of_run(scenario, asked.engine, asked.parameter_uncertainty, asked.precision)
    return RunFolder(shared.out, name, inputs, resume=shared.resume)


def simulated(scenario: Scenario, shared: Shared, asked: Asked, folder: RunFolder) -> tuple[Results, Reached | None]:
    """The results, with as many replications as it takes where a precision was asked for, and then what came of it."""
    more = [f"More replications follow until {asked.precision} is precise enough."] if asked.precision else []
    with at_work(shared, folder, scenario, notes=more) as by:
        how: RunKeywords = {**by, "engine": asked.engine, "parameter_uncertainty": asked.parameter_uncertainty}
        if asked.precision:
            return replicate_until(scenario, asked.precision, most=asked.most, **how)
        return replicate(scenario, **how), None


@dataclass(frozen=True, slots=True)
class Printed:
    """What a run prints: the short answer, unless something else is asked for."""

    json: bool
    csv: bool
    full: bool
    short: bool
    quiet: bool

    def check(self) -> None:
        """Raises RunError where two things are asked for that exclude each other."""
        asked = [f"--{name}" for name in ("json", "csv", "full", "quiet") if getattr(self, name)]
        if len(asked) > 1:
            raise RunError(f"{' and '.join(asked)}: choose one.")
        if self.short and not self.json:
            raise RunError("--headline goes with --json; without it, the short answer is what is printed.")

    def show(self, results: Results) -> BaseException | None:
        """Print it. Returns what kept it from being printed: the run is to be saved all the same.

        There may be no room for it, or nobody who reads it any more, for which rich exits.
        """
        try:
            if self.json and self.short:
                say(as_json_object(headline(results.scenario, results.rows)))
            elif self.json:
                print_json(results.rows)
            elif self.csv:
                write_csv(results.rows, Row, sys.stdout)
            elif not self.quiet:
                if self.full:
                    print_tables(results.scenario, results.rows, uncertainty=results.uncertainty)
                    say("")
                elif results.uncertainty:
                    print_uncertainty(results.uncertainty)
                say("\n".join(headline(results.scenario, results.rows).lines()))
            sys.stdout.flush()
        except (OSError, SystemExit) as error:
            return error
        return None


def say_what_else(
    results: Results, reached: Reached | None, folder: RunFolder, figures: Sequence[str], *, full: bool
) -> None:
    """On stderr: how precise it is, where everything is, and what to do next; with the tables, whether it had settled."""
    from_today = bool(results.scenario.start.waiting)  # the days in which lists find their length are asked for then
    if full and not from_today and (note := too_short(warm_up(results.scenario, results.over_time))):
        tell(f"Note: {note}")
    if reached:
        tell(reached.in_words())
    saved_in(folder, figures)
    tell(f"Next: caseload-sim show {folder.final} waits; or compare, uncertainty, explain {results.scenario.name}")
