"""How contacts take place: who is reached by what, and how much staff time a contact takes on average."""

from collections.abc import Iterator
from itertools import pairwise
from math import exp, log

from caseload_sim.scenario import Scenario

DEPRIVATION = "deprivation_decile"  # stratum, 1 the most deprived


def reach_in_stratum(reach: float, effect: float, towards_least_deprived: float) -> float:
    """Share reached so many deciles from the middle, 0 to 1; a share of 0 or 1 is the same everywhere."""
    if reach in (0, 1):
        return reach
    return 1 / (1 + exp(-(log(reach / (1 - reach)) + effect * towards_least_deprived)))


def shares_of_clients(scenario: Scenario) -> tuple[dict[str, float], float]:
    """Expected share of each modality among those reached, and the share whom none reaches, all 0 to 1.

    Whoever is not reached by what they are offered has the first modality in the file that reaches them. One draw a
    client decides: who lacks a telephone is among those who lack a connection, not somebody else.
    """
    modalities = scenario.pathway.modalities
    names, offers = list(modalities), sum(m.share.value for m in modalities.values())
    result, lost = dict.fromkeys(names, 0.0), 0.0
    for weight, deciles in _strata(scenario):
        reach = [
            reach_in_stratum(m.reach.value, m.reach_per_deprivation_decile.value, deciles) for m in modalities.values()
        ]
        edges = sorted({0.0, 1.0, *reach})
        for low, high in pairwise(edges):
            reached = [name for name, share in zip(names, reach, strict=True) if share >= high]
            for name, modality in modalities.items():
                clients = weight * (high - low) * modality.share.value / offers
                if not reached:
                    lost += clients
                else:
                    result[name if name in reached else reached[0]] += clients
    total = sum(result.values())
    return {name: share / total if total else 0.0 for name, share in result.items()}, lost


def staff_time_of_a_contact(scenario: Scenario) -> float:
    """Staff time of the mean contact, as a multiple of a standard contact, > 0; exactly 1 when all are standard."""
    standard = scenario.pathway.standard_contact_minutes.value
    minutes = {name: modality.contact_minutes.value for name, modality in scenario.pathway.modalities.items()}
    if set(minutes.values()) <= {standard}:
        return 1.0
    shares, _ = shares_of_clients(scenario)
    return 1 + sum(share * (minutes[name] / standard - 1) for name, share in shares.items())


def _strata(scenario: Scenario) -> Iterator[tuple[float, float]]:
    """Share of clients in each decile of deprivation, and its distance from the middle towards the least deprived."""
    parts = scenario.population.strata.get(DEPRIVATION, {})
    if not parts:
        yield 1.0, 0.0
        return
    total = sum(part.value for part in parts.values())
    for k, part in enumerate(parts.values()):
        yield part.value / total, k - (len(parts) - 1) / 2
