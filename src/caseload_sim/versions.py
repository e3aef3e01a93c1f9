"""With what an answer is made: the versions that it can depend on."""

from importlib.metadata import version

PARTS_OF_THE_ANSWER = ("caseload-sim", "numpy", "scipy", "simpy")


def versions_here() -> dict[str, str]:
    """Versions of all that an answer can depend on."""
    return {name: version(name) for name in PARTS_OF_THE_ANSWER}


def other_versions(there: dict[str, str], here_is: str = "here") -> list[str]:
    """In words, what has another version there than here."""
    here = versions_here()
    return [
        f"{name} {there.get(name, 'none')}, and {here_is} is {here.get(name, 'none')}"
        for name in dict.fromkeys([*here, *there])
        if there.get(name) != here.get(name)
    ]
