"""Run the notebooks and store what they print and draw: `python docs/stored_outputs.py [NAME ...]`, all without a name.

Nothing is stored that differs from one run to the next: no times, no versions. Pictures are stored in 64 colours.
The solution of an exercise stands folded away in a Markdown cell, as code and what it prints; it is run after
the notebook, and what it prints is stored there.
"""

import re
import sys
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SOLUTION = re.compile(r"(<details>.*?```python\n)(.*?)(```.*?```text\n)(.*?)(```.*?</details>)", re.DOTALL)
COLOURS = 64
SECONDS = 600  # for one cell, on a busy machine


def read(path: Path) -> NotebookNode:
    """A notebook as it is stored."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def executed(stored: NotebookNode) -> NotebookNode:
    """The notebook as it would be stored after a run from top to bottom, solutions last."""
    notebook = nbformat.from_dict(stored)  # type: ignore[no-untyped-call]
    length = len(notebook.cells)
    solved = [cell for cell in notebook.cells if solution_of(cell)]
    for cell in solved:
        notebook.cells.append(nbformat.v4.new_code_cell(SOLUTION.search(cell.source)[2]))  # type: ignore[no-untyped-call, index]
    with TemporaryDirectory() as folder:
        NotebookClient(
            notebook, timeout=SECONDS, record_timing=False, resources={"metadata": {"path": folder}}
        ).execute()
    for cell, run in zip(solved, notebook.cells[length:], strict=True):
        cell.source = with_printed(cell.source, printed(run))
    del notebook.cells[length:]
    notebook.metadata = stored.metadata
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def solution_of(cell: NotebookNode) -> str:
    """The code of the solution in a cell, or nothing."""
    found = SOLUTION.search(cell.source) if cell.cell_type == "markdown" else None
    return found[2] if found else ""


def with_printed(source: str, said: str) -> str:
    """A cell with a solution, and what that now prints."""
    return SOLUTION.sub(lambda found: found[1] + found[2] + found[3] + said + found[5], source)


def printed(cell: NotebookNode) -> str:
    """All text that a cell put out, pictures and where objects lie in memory left out."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts)


def smaller(png: str) -> str:
    """A picture in fewer colours."""
    with Image.open(BytesIO(b64decode(png))) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    file = BytesIO()
    few.save(file, "PNG", optimize=True)
    return b64encode(file.getvalue()).decode() + "\n"


def store(path: Path) -> None:
    """Run a notebook and write it with its outputs."""
    text = nbformat.writes(executed(read(path)))  # type: ignore[no-untyped-call]
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")


def store_all(*names: str) -> None:
    """Run and store these notebooks, or all."""
    for one in NOTEBOOKS:
        if not names or one.stem in names:
            store(one)


if __name__ == "__main__":
    store_all(*sys.argv[1:])
