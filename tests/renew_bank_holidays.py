"""England's bank holidays, as the package `holidays` has them by rule and by proclamation, kept in bank_holidays.txt.

    python tests/renew_bank_holidays.py

writes the file anew, once a newer version of that package knows of another day. A file, and not the package itself, because a
rerun must find the same days whatever version is installed, and because the package takes a fifth of a second to load.
"""

from caseload_sim.definitions.times import FIRST_DATE, LAST_DATE
from caseload_sim.pathway.demand import POOL_DAYS
from caseload_sim.pathway.working_days import BANK_HOLIDAYS


def by_the_package() -> list[str]:
    """Dates as ISO 8601, ascending, from the two years before the first day on which a scenario may open."""
    from holidays import country_holidays

    years = range(FIRST_DATE.year - -(-POOL_DAYS // 365), LAST_DATE.year + 1)
    return [day.isoformat() for day in sorted(country_holidays("GB", subdiv="ENG", years=years))]


def by_year(days: list[str]) -> str:
    """One line a year."""
    lines: dict[str, list[str]] = {}
    for day in days:
        lines.setdefault(day[:4], []).append(day)
    return "".join(" ".join(line) + "\n" for line in lines.values())


if __name__ == "__main__":
    from importlib.metadata import version

    BANK_HOLIDAYS.write_text(by_year(by_the_package()), encoding="ascii", newline="\n")
    print(f"{BANK_HOLIDAYS}: as holidays {version('holidays')} has them")
