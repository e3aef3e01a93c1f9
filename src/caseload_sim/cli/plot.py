"""The command `plot`: figures of a run that was saved."""

from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.printing import say, tell
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.figures.gallery import figure_names, of_kind
from caseload_sim.figures.painter import NotDrawn, image_of_saved
from caseload_sim.runs.read import read_run
from caseload_sim.runs.whole_files import folder_of_figures, save_images

FORMATS = ("png", "svg", "pdf")


def plot(
    folder: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A folder that `run` or `compare` saved.")],
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Draw only this figure; repeatable. `caseload-sim list figures` shows all."),
    ] = None,
    figure_format: Annotated[str, typer.Option("--format", help="png, svg or pdf.")] = "png",
) -> None:
    """Draw a saved run's figures again, or the rest of the gallery, into its folder `figures`.

    Without --figure, all that the folder has the tables for.

    Examples:

        caseload-sim plot results/hepgul_2016-2016-0123456789

        caseload-sim plot results/hepgul_2016-2016-0123456789 --figure retention --format svg
    """
    if figure_format not in FORMATS:
        raise RunError(f"--format {figure_format}: not a format for figures. {did_you_mean(figure_format, FORMATS)}")

    saved = read_run(folder)
    names = figure_names(figure, saved.kind) if figure else of_kind(saved.kind)
    into = folder_of_figures(folder)
    images: dict[str, bytes] = {}
    for name in names:
        image = image_of_saved(saved, name, figure_format)
        if not isinstance(image, NotDrawn):
            images[name] = image
        elif figure:
            raise RunError(f"{name}: not drawn. {image.why}")
        else:
            tell(f"Not drawn: {name}. {image.why}")
    if not images:
        raise RunError(f"{folder}: no figure could be drawn.")
    for path in save_images(into, images, figure_format):
        say(str(path))
