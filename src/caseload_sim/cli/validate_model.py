"""Commands that say whether a model can be trusted.

`validate-model` against official figures, of one scenario or of every real service; `backtest` on whether it predicts the next
year; `warm-up` on when it has settled.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from caseload_sim.analysis.calibrate_service import MOST_RUNS_FOR_AN_EFFECT, effect_that_reaches
from caseload_sim.analysis.validate_model import ValidationRow
from caseload_sim.analysis.validate_model import validate_model as compare_with_official
from caseload_sim.analysis.warm_up import WarmUpRow
from caseload_sim.analysis.warm_up import warm_up as by_rule
from caseload_sim.cli.options import (
    DEFAULT,
    NATIONAL,
    OF_A_SCENARIO,
    OF_A_TABLE,
    OF_PICTURES,
    OF_RUNS,
    ScenarioArgument,
    Shared,
    takes,
)
from caseload_sim.cli.printing import Page, in_columns, print_json, tell
from caseload_sim.cli.running import announce_work, at_work, passing_folder, saved_in, table_folder
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import days_of
from caseload_sim.experiments.run_options import RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.tasks import Finished
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.measures.rows import OverTimeRow
from caseload_sim.runs.folder import RunFolder
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.added_months import own_months
from caseload_sim.services.backtest import (
    LINES,
    BacktestRow,
    ServicePrediction,
    changes_of,
    check_years,
    tasks_of_two_years,
)
from caseload_sim.services.backtest import backtest as run_backtest
from caseload_sim.services.each import WHY_NOT, ServiceTask, each_service, named_in_record
from caseload_sim.services.levers import trial_of
from caseload_sim.services.published import Published
from caseload_sim.services.validated import COVARIATES, ServiceFigure, ValidatedRow, tasks_of_a_year, validated
from caseload_sim.services.yearly import YEARLY

RUNS_OF_A_FIT = 30.0  # of one replication, about
TIMES_OF_TWO_YEARS = 1.6  # as long as to fit and run one year
WORSE = 1.1  # times the error of persistence
ServicesOption = Annotated[
    list[str] | None,
    typer.Option("--service", metavar="CODE", help="Only this real service, see `services`; repeat for more."),
]


@takes(
    "seed", "replications", "out", *OF_A_SCENARIO, *OF_RUNS, "beyond_limits", "json", *OF_PICTURES,
    out="With --all-services: the folder in which a folder with the tables and the figure is made.",
)  # fmt: skip
def validate_model(
    shared: Shared,
    scenario: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A scenario with official figures, or your own .toml file.")
    ] = NATIONAL,
    all_services: Annotated[
        bool,
        typer.Option(
            "--all-services", help="Fit every real service, and compare each figure of each with what is published."
        ),
    ] = False,
    services: ServicesOption = None,
) -> None:
    """Compare the model with every official figure: which were fitted, which are checks, which are missed.

    met: the model's mean lies within 1 point (shares) or 5% (all else); its interval never widens that.

    With --all-services, every provider of NHS Talking Therapies with a full last year is written on the basis of the scenario,
    as `new --service` does, fitted, and compared: correlation and mean absolute error over services, beside the mean of the
    other services and a linear regression through them.

    Example:

        caseload-sim validate-model --all-services --jobs 2
    """
    if all_services or services:
        if shared.replications is not None:
            raise RunError("--replications: services are fitted with one replication each. Leave it out.")
        validate_services(shared, shared.opened(scenario), services or [])
        return
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    more = with_run(chosen, None, MOST_RUNS_FOR_AN_EFFECT)  # where the effect that would reach recovery is looked for
    announce_work([chosen, more], shared.beyond_limits, jobs=shared.jobs, keeping=Keeping(painted=False))
    multiple = None
    with (
        passing_folder(shared, chosen, "validate-model", "validate-model") as folder,
        at_work(shared, folder, chosen) as how,
    ):
        rows = compare_with_official(chosen, **how)
        missed = any(row.quantity == "recovery" and row.verdict == "missed" for row in rows)
        if missed and not shared.json:
            multiple = effect_that_reaches(chosen, "recovery", **(how | {"progress": None}))
    if shared.json:
        print_json(rows)
    else:
        print_validation(chosen, rows, multiple)


def validate_services(shared: Shared, base: Scenario, codes: Sequence[str]) -> None:
    """`validate-model --all-services`: fit each service, compare, print and save."""
    published, parent = Published(own_months()), with_run(base, shared.seed, 1)
    tasks, left_out = tasks_of_a_year(published, parent, [published.provider(code).code for code in codes])
    with _each_service(shared, parent, "validate-services", tasks, 1.0) as (folder, results):
        rows, figures, why_not = validated(published, tasks, results)
        beside, tables = {"services": (figures, ServiceFigure)}, tables_of("validate-services", parent, of="", services=figures)  # fmt: skip
        folder.save_table(rows, ValidatedRow, lambda: drawn("services", tables), beside=beside)
    if shared.json:
        print_json(rows)
    else:
        print_services(rows, len(tasks) - len(why_not))
    _tell_left_out(dict.fromkeys(left_out, "too little is published of its last year") | why_not)
    saved_in(folder)


@contextmanager
def _each_service(
    shared: Shared, parent: Scenario, kind: str, tasks: Sequence[ServiceTask], times: float
) -> Iterator[tuple[RunFolder, dict[str, Finished]]]:
    """What came of each service, and the folder to save it in. times: how much longer than to validate one takes."""
    if not tasks:
        raise RunError("none of these services has a full year to fit to. `caseload-sim services` lists all.")
    trials, keeping = [trial_of(task.scenario) for task in tasks], Keeping(all_tables=times > 1, painted=False)
    announce_work(trials, shared.beyond_limits, times=RUNS_OF_A_FIT * times, jobs=shared.jobs, keeping=keeping)
    n = f"{len(tasks)} service{'s' * (len(tasks) != 1)}, each fitted"
    with table_folder(shared, parent, kind, named_in_record(tasks)) as folder:
        with at_work(shared, folder, trials[0], "services", n) as how:
            results = dict(each_service(tasks, RunOptions(**how)))
        yield folder, results


def _tell_left_out(why: Mapping[str, str]) -> None:
    for code, reason in why.items():
        tell(f"Left out: {code}. {reason}")


def print_services(rows: Sequence[ValidatedRow], n_services: int) -> None:
    """Every figure over all services: how near the model comes, and its rivals."""
    page = Page()
    page.title(f"{n_services} SERVICES, each fitted to its own figures: published against model")
    page.heading(in_columns(("", -35), ("n", 4), ("published", 10), ("r", 6), ("model", 7), ("mean", 7), ("line", 7)))
    for role in ("fitted", "check"):
        for row in (row for row in rows if row.role == role):
            errors = (row.mae_model, row.mae_mean_of_others, row.mae_regression)
            cells = [(_amount(row.unit, error), 7) for error in errors]
            style = "bold" if row.mae_model > min(errors[1:]) else ""
            mean, r = (
                _amount(row.unit, row.published_mean),
                "-" if row.correlation != row.correlation else f"{row.correlation:.2f}",
            )
            page.line(
                in_columns((words(row.quantity)[:34], -35), (str(row.n_services), 4), (mean, 10), (r, 6), *cells), style
            )
        page.note(
            "above: fitted to that very figure" if role == "fitted" else "above: checks, which the fit has not seen"
        )
    page.note(
        "published: mean over services; r: correlation of model and published; then mean absolute errors (shares in points) of the "
        f"model, of the mean of the other services, and of a linear regression through them on {', '.join(COVARIATES)}. "
        "bold: a rival is nearer."
    )


def _amount(unit: str, value: float) -> str:
    if value != value:
        return "-"
    return f"{100 * value:.1f}" if unit == "share" else f"{value:,.0f}" if unit == "people" else f"{value:.1f}"


@takes(
    *OF_A_TABLE,
    replications="How often both years of a service are run; enough for 40,000 referrals a year if not given.",
)
def backtest(
    shared: Shared,
    scenario: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="The scenario on whose basis services are written.")
    ] = NATIONAL,
    first: Annotated[
        str, typer.Option("--from", metavar="YEAR", help="The year that is fitted, such as 2023-24.")
    ] = "2023-24",
    second: Annotated[
        str, typer.Option("--to", metavar="YEAR", help="The year that is predicted, the next one.")
    ] = "2024-25",
    services: ServicesOption = None,
) -> None:
    """Fit every real service to one year, predict the next, and compare the errors with those of "next year like this one".

    The model is given the second year's referrals by month, and in a second line its attended appointments too, by which staff
    grow or shrink. It predicts last year's figure with what it says changes; what it says itself is shown as its level.

    Example:

        caseload-sim backtest --from 2023-24 --to 2024-25 --jobs 2
    """
    check_years(first, second)
    published, parent = Published(own_months()), with_run(shared.opened(scenario), shared.seed, 1)
    codes = [published.provider(code).code for code in services or []]
    tasks, full = tasks_of_two_years(published, parent, first, second, codes, shared.replications)
    with _each_service(shared, parent, "backtest", tasks, TIMES_OF_TWO_YEARS) as (folder, results):
        rows, predictions = run_backtest(published, tasks, results, full)
        beside = {"predictions": (predictions, ServicePrediction)}
        tables = tables_of("backtest", parent, of="", changes=changes_of(predictions))
        folder.save_table(rows, BacktestRow, lambda: drawn("changes", tables), beside=beside)
    if shared.json:
        print_json(rows)
    else:
        print_backtest(rows, first, second, len({one.code for one in predictions}))
    why_not = {code: one.digests[WHY_NOT] for code, one in results.items() if WHY_NOT in one.digests}
    _tell_left_out(dict.fromkeys(full.keys() - results.keys(), f"too little is published of {first}") | why_not)
    saved_in(folder)


def print_backtest(rows: Sequence[BacktestRow], first: str, second: str, n_services: int) -> None:
    """Errors of persistence and of the model, with the ratio of the two and its interval over services."""
    page, figures = Page(), {one.name: one.words for one in YEARLY}
    page.title(f"BACKTEST: fitted to {first}, predicting {second}, services: {n_services}")
    page.heading(
        in_columns(
            ("mean absolute error", -36), ("n", 4), ("as before", 10), ("model", 8), ("ratio (95% interval)", 22)
        )
    )
    for line, said in LINES.items():
        mine = [row for row in rows if (row.line, row.how) == (line, "change")]
        page.say(f"{said}, by what changes", "bold")
        _print_errors(page, mine, figures)
        better, worse = sum(row.ratio < 1 for row in mine), sum(row.ratio > WORSE for row in mine)
        page.note(
            f"better than persistence on {better} of {sum(row.n_services > 0 for row in mine)}, more than {WORSE} times its error on {worse}"
        )
    levels = [row for row in rows if (row.line, row.how) == ([*LINES][-1], "level")]
    page.say(f"{[*LINES.values()][-1]}, as the model has it itself", "bold")
    _print_errors(page, levels, figures)
    page.note(
        'as before: persistence, "next year like this one", on the same services. Shares in points, waits in days, the rest in '
        "people. The interval is over services, by resampling them. Persistence over all that have both years: "
        + ", ".join(
            f"{figures[row.figure]} {_amount(row.unit, row.persistence_of_all)} (n {row.n_of_all})" for row in levels
        )
        + "."
    )


def _print_errors(page: Page, rows: Sequence[BacktestRow], figures: Mapping[str, str]) -> None:
    for row in rows:
        errors = [(_amount(row.unit, error), width) for error, width in ((row.mae_persistence, 10), (row.mae, 8))]
        interval = f"{row.ratio:.2f} ({row.ratio_lower_95_ci:.2f} to {row.ratio_upper_95_ci:.2f})"
        ratio = interval if row.n_services else "-"
        page.line(in_columns((f"  {figures[row.figure]}", -36), (str(row.n_services), 4), *errors, (ratio, 22)))


def print_validation(scenario: Scenario, rows: Sequence[ValidationRow], multiple: float | None) -> None:
    """Every official figure against the model, with its note, and how many are met."""
    page = Page()
    page.title(f"OFFICIAL FIGURES AGAINST THE MODEL: {scenario.title}")
    page.note(in_columns(("", -34), ("official", 9), ("model", 9), ("95% interval", 15), ("role", -8)))
    for row in rows:
        official = scenario.official[row.quantity]
        numbers = [
            _official_text(official.measure, x) for x in (row.target, row.value, row.lower_95_ci, row.upper_95_ci)
        ]
        style = "" if row.verdict == "met" else "bold"
        figures = (numbers[0], 9), (numbers[1], 9), (f"{numbers[2]}-{numbers[3]}", 15)
        page.line(in_columns((words(row.quantity)[:34], -34), *figures, (row.role, -8), (row.verdict, -3)), style)
        if official.note:
            page.below(official.note)
    for role in ("fitted", "check"):
        some = [row for row in rows if row.role == role]
        met = sum(row.verdict == "met" for row in some)
        page.say(f"{role}: {met} of {len(some)} met, within 1 point for shares and 5% for all else")
    if multiple is not None:
        reach = f"{multiple:.1f} times" if multiple == multiple else "no multiple up to four of"
        page.say(f"Recovery per finished referral would be met with {reach} the effect used here.")


def _official_text(measure: str, value: float) -> str:
    if value != value:
        return "-"
    return f"{100 * value:.1f}%" if definition(measure).unit == "share" else f"{value:.1f}"


@takes(*OF_A_TABLE)
def warm_up(shared: Shared, scenario: ScenarioArgument = DEFAULT) -> None:
    """Say by a published rule, MSER-5, how many days from opening to leave out, beside what the scenario leaves out.

    The rule looks at every waiting list and at the use of places, means over the replications, until data collection ends. A
    scenario with a running start opens with its lists full, and may need little.

    Example:

        caseload-sim warm-up national_2024_25 --replications 10 --jobs 2
    """
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    announce_work([chosen], shared.beyond_limits, jobs=shared.jobs)
    with table_folder(shared, chosen, "warm-up", {}) as folder:
        with at_work(shared, folder, chosen) as how:
            over_time = days_of(chosen, **how)
        rows = by_rule(chosen, over_time)
        tables = tables_of("warm-up", chosen, table=rows, over_time=over_time)
        beside = {"over_time": (over_time, OverTimeRow)}
        folder.save_table(rows, WarmUpRow, lambda: drawn("warm_up", tables), beside=beside)
    if shared.json:
        print_json(rows)
    else:
        print_warm_up(rows)
    saved_in(folder)


def print_warm_up(rows: Sequence[WarmUpRow]) -> None:
    """Each series with the day on which it settles, and the longest beside what the scenario leaves out."""
    page = Page()
    page.title("WARM-UP by MSER-5: first day that counts, of means over replications on working days")
    page.note(in_columns(("", -48), ("mean", 9), ("first day", 14)))
    for row in rows:
        known = f"{100 * row.mean:.1f}%" if row.measure == "utilisation" else f"{row.mean:.1f}"
        mean, day = ("-", "cannot tell") if row.settled_day is None else (known, str(row.settled_day))
        style = "" if row.is_long_enough else "bold"
        page.say(in_columns((f"{words(row.measure)}, {words(row.step)}", -48), (mean, 9), (day, 14)), style)
    settled = [row.settled_day for row in rows if row.settled_day is not None]
    own = rows[0].own_warm_up_days if rows else 0
    if settled:
        enough = "enough" if max(settled) <= own else "too short"
        page.say(f"The rule: {max(settled)} days. The scenario leaves out {own}: {enough}.", "bold")
    else:
        page.say(f"The rule cannot tell. The scenario leaves out {own} days.", "bold")
    page.note("cannot tell: cut in the second half, so that it still moves, with seasons or with a list that grows.")
