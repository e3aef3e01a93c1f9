"""The command that writes a page for a board, and a spreadsheet beside it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, OF_RUNS, Shared, takes
from caseload_sim.cli.printing import say, tell
from caseload_sim.errors import RunError
from caseload_sim.report.html import as_html, is_report
from caseload_sim.report.material import material_of
from caseload_sim.report.page import page_of
from caseload_sim.report.workbook import as_workbook, check_workbook, is_workbook
from caseload_sim.runs.read import SavedRun, read_record, read_run
from caseload_sim.runs.record import RECORD
from caseload_sim.runs.whole_files import check_replaceable, save_over
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.surroundings import at_home

HTML, EXCEL = (".html", ".htm"), ".xlsx"


@takes(
    "seed",
    "replications",
    *OF_A_SCENARIO,
    *OF_RUNS,
    "beyond_limits",
    sets="Change one value of the scenario that the report is about, not of --versus; repeat for more.",
)
def report(
    shared: Shared,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|NAME|FILE",
            help="A folder that `run` or `compare` saved; or a scenario, which is run first, by name or file.",
        ),
    ] = DEFAULT,
    versus: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="A plan: what would change with this scenario instead.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write, which ends in .html.")] = Path("report.html"),
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Write the numbers as an Excel file beside it, too.")] = False,
) -> None:
    """Write one page for a board: who waits, who gets well and who says so, how sure that is, and what it costs.

    One file of HTML that opens in any browser, prints on four pages, and asks nothing of any network. What is run for it is
    saved in `results`, as with `run` and `compare`. An earlier report of the same name is replaced, no other file.

    Examples:

        caseload-sim report results/hepgul_2016-2016-0123456789 --out board.html

        caseload-sim report my_service.toml --versus my_plan.toml --xlsx
    """
    book = out.with_suffix(EXCEL)
    if out.suffix.lower() not in HTML:
        raise RunError(f"--out {out}: a report is a page. Choose a name that ends in {HTML[0]}.")
    check_replaceable(out, is_report)
    if xlsx:
        check_workbook()
        check_replaceable(book, is_workbook)
    folder, compared = _folders(run, versus, shared)
    material = material_of(folder, compared)
    page = page_of(material)
    save_over(out, as_html(page, material.draw).encode("utf-8"), is_report)
    say(str(out))
    if xlsx:
        save_over(book, as_workbook(material, page), is_workbook)
        say(str(book))


def _folders(run: str, versus: str | None, shared: Shared) -> tuple[Path, Path | None]:
    """The folder of the run or the comparison a report is about, and that of the comparison with --versus, made where need be."""
    path = at_home(Path(run))
    if path.name == RECORD:
        path = path.parent
    if path.is_dir():
        _refuse_what_is_of_scenarios(shared)
        saved = read_run(path)
        return path, _compared(saved, versus, shared) if versus else None
    plan = _plan(versus, shared) if versus else None  # what is wrong with it is said before anything is run
    folder = _run(shared.opened(run), shared)
    return folder, _against(read_run(folder).scenario, plan, shared) if plan else None


def _refuse_what_is_of_scenarios(shared: Shared) -> None:
    given = {"--seed": shared.seed, "--replications": shared.replications, "--set": shared.sets}
    for option, value in given.items():
        if value is not None and value != []:
            raise RunError(
                f"{option}: a saved run is as it is. Give the scenario's name or file instead of the folder."
            )


def _compared(saved: SavedRun, versus: str, shared: Shared) -> Path:
    """The folder of the comparison of a saved run with a plan."""
    if saved.kind != "run":
        raise RunError(f"{saved.folder}: is a comparison already. Give --versus with the folder of a run.")
    record = read_record(saved.folder)
    for key, what in (
        ("parameter_uncertainty", "with --parameter-uncertainty"),
        ("own_policy", "with a policy of your own"),
    ):
        if record.get(key):
            raise RunError(
                f"{saved.folder}: was run {what}, which no comparison here can do. Run the scenario without it."
            )
    return _against(saved.scenario, _plan(versus, shared), shared)


def _plan(versus: str, shared: Shared) -> Scenario:
    return replace(shared, sets=None).opened(versus)


def _against(today: Scenario, plan: Scenario, shared: Shared) -> Path:
    """The folder of a comparison of a plan with today."""
    from caseload_sim.cli.compare import compared_in_folder  # nothing that simulates is loaded for a saved run

    compared, folder = compared_in_folder([today, plan], today, shared, draw=False)
    for note in compared.notes:
        tell(f"Note: {note}")
    return folder.final


def _run(scenario: Scenario, shared: Shared) -> Path:
    """The folder of a run, made now."""
    from caseload_sim.cli.run import Asked, folder_of, ready, simulated
    from caseload_sim.cli.running import kept_if_stopped
    from caseload_sim.engines.engine import DEFAULT_ENGINE

    asked = Asked()
    chosen = ready(scenario, shared, asked)
    folder = folder_of(chosen, shared, asked)
    with kept_if_stopped(folder):
        results, _ = simulated(chosen, shared, asked, folder)
        folder.save(results, DEFAULT_ENGINE)
    tell(f"Saved in {folder.final}")
    return folder.final
