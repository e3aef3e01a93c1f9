"""Excel files: the library that reads and writes them, which is there only where somebody asked for it."""

from typing import Any

from caseload_sim.errors import RunError


def excel(otherwise: str) -> Any:
    """openpyxl. otherwise: what to do without. Raises RunError where it is not installed."""
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise RunError(
            f'Excel files need openpyxl, which is not installed: pip install "caseload-sim[office]". {otherwise}'
        ) from None
    return openpyxl
