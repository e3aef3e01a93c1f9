"""Any text gives a scenario or an error of ours: a coverage-guided search for one that does not, by hand before a release.

    pip install '.[fuzz]'
    python tests/fuzz/fuzz_loader.py -max_total_time=300

Further arguments go to libFuzzer. A text that fails is written to a file crash-..., and is shown with
`python tests/fuzz/fuzz_loader.py crash-...`; it belongs into tests/runs/test_hostile_input.py once what it found is mended.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["caseload_sim", "tomllib"]):
    from caseload_sim.errors import CaseloadError
    from caseload_sim.scenario.catalogue import get_scenario, load_scenario
    from caseload_sim.scenario.changes import parse_value
    from caseload_sim.scenario.files import shipped_folder

HEAD = b'extends = "hepgul_2016"\n'
BASE = get_scenario()
PLACE = Path(tempfile.mkdtemp()) / "mine.toml"


def one_input(data: bytes) -> None:
    """The first byte decides: a whole file, the rest of a file that extends another, or a change as --set gives it."""
    kind, content = data[:1], data[1:]
    try:
        if kind < b"\x60":
            PLACE.write_bytes(HEAD + content)
            load_scenario(PLACE)
        elif kind < b"\xa0":
            PLACE.write_bytes(content)
            load_scenario(PLACE)
        else:
            path, _, value = content.decode("utf-8", errors="surrogateescape").partition("=")
            BASE.with_changes({path.strip(): parse_value(value.strip())})
    except CaseloadError:
        pass


def first_texts(folder: Path) -> None:
    """What the search starts from: every shipped scenario, and changes of every kind."""
    for file in shipped_folder().glob("*.toml"):
        (folder / file.stem).write_bytes(b"\x80" + file.read_bytes())
        (folder / f"{file.stem}-rest").write_bytes(b"\x00" + file.read_bytes().split(b"\n", 1)[1][:4000])
    for k, change in enumerate(
        (b"population.prevalence.ptsd=0.3", b"run.opens=2023-01-01", b"demand.shocks.x={factor={value=1}}", b"pathway.policy=stepped")
    ):  # fmt: skip
        (folder / f"set-{k}").write_bytes(b"\xff" + change)


if __name__ == "__main__":
    arguments = sys.argv
    if not any(not word.startswith("-") for word in arguments[1:]):
        corpus = Path(tempfile.mkdtemp())
        first_texts(corpus)
        arguments = [*arguments, str(corpus)]
    atheris.Setup([arguments[0], "-max_len=4096", "-timeout=20", "-rss_limit_mb=1000", *arguments[1:]], one_input)
    atheris.Fuzz()
