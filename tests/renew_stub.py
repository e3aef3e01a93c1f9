"""Write `caseload_sim/__init__.pyi`, by which type checkers and editors know the public names: `python tests/renew_stub.py`.

The names stand in the table of `caseload_sim/__init__.py` alone. A test says when the stub is not what the table makes.
"""

from pathlib import Path

import caseload_sim

STUB = Path(caseload_sim.__file__).with_suffix(".pyi")


def stub() -> str:
    """The text of the stub: one import for each public name."""
    module_of: dict[str, str] = vars(caseload_sim)["_MODULE_OF"]

    def in_order(name: str) -> tuple[str, int, str]:  # as ruff sorts imports: constants, classes, functions
        return module_of[name], 0 if name.isupper() else 1 if name[0].isupper() else 2, name

    lines = [f"from caseload_sim.{module_of[name]} import {name} as {name}" for name in sorted(module_of, key=in_order)]
    return "\n".join(["# Made by tests/renew_stub.py: change the table in __init__.py, not this file.", "", *lines, "",
                      "__version__: str", "__all__: list[str]", ""])  # fmt: skip


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
    print(f"{STUB.name} is written: {len(caseload_sim.__all__)} names.")
