"""Thirty real providers, chosen by rule and fitted one by one, kept in scenarios/national_2024_25_providers.toml.

    python tests/renew_providers.py

writes that file's part on providers anew; above it, nothing is changed. It takes half an hour on two cores. With the snapshot
of another year in the package, or after a change of how services are fitted, other numbers come out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from caseload_sim.errors import CatalogueError
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.files import shipped_folder
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.fit import fit_service
from caseload_sim.services.published import Provider, Published
from caseload_sim.services.scenario_file import service_scenario, usable_year
from caseload_sim.services.targets import targets_of

FILE = shipped_folder() / "national_2024_25_providers.toml"
BELOW = "# --- Written by tests/renew_providers.py; all below is made anew.\n"
LAST_MONTH, NUMBER, PROCESSES = "2025-03", 30, 2
FEWEST_REFERRALS = 2_000  # a year: of fewer, scaled down, posts would be fewer than a place at some step needs
SPREAD_OVER = "second_contact_over_90_days"
PARENT = "national_2024_25"


def share_over_90_days(published: Published, code: str, parent: Scenario) -> float | None:
    """The share by which providers are chosen; None for one that cannot be."""
    try:
        year = usable_year(published, published.provider(code), LAST_MONTH)
    except CatalogueError:
        return None
    shares = [one.value for one in targets_of(published, year, parent) if one.target.name == SPREAD_OVER]
    enough = not year.missing and year.of_twelve_months("referrals_received") >= FEWEST_REFERRALS
    return shares[0] if shares and enough else None


def systematic(codes: Iterable[tuple[float, str]], number: int) -> list[str]:
    """So many of them: by share, every N-th from the middle of the first N on."""
    ordered = sorted(codes)
    return [ordered[int((k + 0.5) * len(ordered) / number)][1] for k in range(number)]


def chosen(published: Published, parent: Scenario) -> list[str]:
    """Codes of the providers that the rule chooses, the one with the shortest waits first."""
    shares = {code: share_over_90_days(published, code, parent) for code in published.codes}
    return systematic(((share, code) for code, share in shares.items() if share is not None), NUMBER)


def of_provider(published: Published, code: str, parent: Scenario) -> Scenario:
    """A provider's scenario with its own figures; the months of the year are England's, so that its part of the file is short."""
    scenario = service_scenario(published, code, parent, LAST_MONTH)
    demand = scenario.demand.model_copy(update={"monthly_index": parent.demand.monthly_index})
    return scenario.model_copy(update={"demand": demand})


def fitted(code: str) -> tuple[str, dict[str, float]]:
    """What was fitted for a provider, by path, at its own size."""
    return code, fit_service(of_provider(Published(), code, get_scenario(PARENT))).changes


def part_of_file(provider: Provider, scenario: Scenario, fit: Mapping[str, float], factor: float) -> Iterator[str]:
    """The lines of one provider: what it says of itself, times the factor where it is a size, then what was fitted."""
    own = {path: number for path, number, _ in numbers(scenario)}
    referrals = own["demand.referrals_per_year"]
    yield ""
    yield f"[providers.each.{provider.code}]"
    town = "" if provider.town.casefold() in provider.name.casefold() else f", {provider.town}"
    yield f"title = {json.dumps(provider.name + town)}"
    where = f"{referrals.where}: {referrals.value:.0f}, times {factor:.4g}"
    yield _published("demand.referrals_per_year", factor * referrals.value, where)
    deciles = [path for path in own if path.startswith("population.strata.deprivation_decile.")]
    yield from (
        _published(path, own[path].value, own[path].where)
        for path in deciles
        if provider.code in (own[path].where or "")
    )
    for path in own:
        if path in fit:
            value = fit[path] * (factor if path.startswith("staff.") else 1)
            yield f'{path} = {{ value = {_rounded(value)}, fitted = "to its published figures" }}'


def _rounded(value: float) -> str:
    """To four digits, without an exponent where the number is large."""
    return f"{float(f'{value:.4g}'):g}"


def _published(path: str, value: float, where: str | None) -> str:
    return f'{path} = {{ value = {_rounded(value)}, source = "nhse2025", where = "{where}" }}'


def written(fits: Mapping[str, Mapping[str, float]]) -> str:
    """All that stands below the line of the file, for these providers and what was fitted for each."""
    published, parent = Published(), get_scenario(PARENT)
    scenarios = {code: of_provider(published, code, parent) for code in fits}
    total = sum(one.demand.referrals_per_year.value for one in scenarios.values())
    factor = NUMBER * parent.demand.referrals_per_year.value / total
    lines = [
        f"# {len(fits)} providers with {total:,.0f} referrals in the year up to {LAST_MONTH}; times {factor:.4g}, which makes {NUMBER} times the median",
        "# provider's. The one with the fewest waits over 90 days first.",
    ]
    for code, scenario in scenarios.items():
        lines += part_of_file(published.provider(code), scenario, fits[code], factor)
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    codes = chosen(Published(), get_scenario(PARENT))
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        found = dict(processes.map(fitted, codes))
    above, line, _ = FILE.read_text(encoding="utf-8").partition(BELOW)
    FILE.write_text(above + BELOW + written(found), encoding="utf-8", newline="\n")
    print(f"{FILE}: {len(found)} providers.")
