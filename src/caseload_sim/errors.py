"""The errors a user can cause; each message names the place, the value and what to do next."""

from collections.abc import Iterable


class CaseloadError(Exception):
    """Anything the user can put right. The command line prints it without a traceback and exits with 2."""


class ScenarioError(CaseloadError):
    """A scenario, or a change to one, says something that cannot be."""


class CatalogueError(CaseloadError):
    """A name that the catalogue does not know, or a file that cannot be read."""


class RunError(CaseloadError):
    """A run that cannot start or cannot be saved."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence offering the nearest known name, or the known names when none is near."""
    import difflib

    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Known: {shown}." if names else "None is known here."
