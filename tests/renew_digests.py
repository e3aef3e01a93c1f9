"""The exact digests of every shipped scenario, kept in digests.json: compared by a test, and renewed by this command alone.

    python tests/renew_digests.py --why "patience is rounded to the nearest day"

writes digests.json anew and, if a headline measure moved, how far into CHANGELOG.md under **Results change**. Digests are of
whole numbers and flags only, so that they hold on every platform: of the tables of a short run, and of what its measures count.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.tasks import Finished
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.scenario import Scenario
from small_services import two_by_name

FILE = Path(__file__).with_name("digests.json")
CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
SEEDS = (1, 2)
SHORT = {"demand.referrals_per_year": 200, "run.follow_up_days": 100}
LEAST_WTE = 0.3  # with less there is a step without a place
# At full size, because the changelog is to say what a user sees.
HEADLINE_SCENARIOS = ("hepgul_2016", "national_2024_25")
HEADLINES = {
    "official recovery of finishers": Quantity("recovery", "finished", "end", "service", "all"),
    "remission of all disorders, finishers": Quantity("all_remission", "finished", "end", "service", "all"),
    "full remission kept for a year, starters": Quantity("full_remission", "started", "sustained", "service", "all"),
    "days to the first contact": Quantity("first_contact_days_mean", "started", "", "", "all"),
    "days from the first to the second": Quantity("second_contact_days_mean", "finished", "", "", "all"),
}
Digests = dict[str, dict[str, dict[str, str]]]  # scenario, seed, table
Counts = dict[str, dict[str, list[int]]]  # scenario, headline, numerator and denominator


def short(name: str) -> Scenario:
    """A shipped scenario with few referrals, staff in proportion, and its own days of warm-up and data collection."""
    scenario = get_scenario(name)
    factor = SHORT["demand.referrals_per_year"] / scenario.demand.referrals_per_year.value
    changes: dict[str, Any] = {
        f"staff.{kind}.wte": max(one.wte.value * factor, LEAST_WTE) for kind, one in scenario.staff.items()
    }
    if scenario.providers:  # each says for itself how many are referred to it
        short = {path: value for path, value in SHORT.items() if not path.startswith("demand.")}
        return scenario.with_changes({**two_by_name(scenario, SHORT["demand.referrals_per_year"], LEAST_WTE), **short})
    return scenario.with_changes({**changes, **SHORT})


def digests_of(name: str) -> dict[str, dict[str, str]]:
    """Digests of one scenario by seed and table, its measures among them."""
    found = {}
    scenario = short(name)
    for seed in SEEDS:
        one = finished(scenario, seed)
        found[str(seed)] = {**one.digests, "measures": digest_of_counts(one.measures)}
    return found


def finished(scenario: Scenario, seed: int) -> Finished:
    """The first replication with that seed: its measures and the digests of its tables."""
    ((replications, _),) = finish_each([Request(with_run(scenario, seed, 1))])
    return replications[0]


def digest_of_counts(table: Mapping[Quantity, Value]) -> str:
    """SHA-256 of all numerators and denominators that are whole numbers; pounds are not."""
    rows = []
    for key, (numerator, denominator, _) in sorted(table.items()):
        if definition(key.measure).unit != "GBP":
            counts = [str(int(x)) if x == x and x == int(x) else "" for x in (numerator, denominator)]
            rows.append(":".join((*key, *counts)))
    return sha256("\n".join(rows).encode()).hexdigest()


def headlines_of(name: str) -> dict[str, list[int]]:
    """Numerators and denominators of the headline measures at full size, over all seeds."""
    totals = {words: [0, 0] for words in HEADLINES}
    for seed in SEEDS:
        table = finished(get_scenario(name), seed).measures
        for words, key in HEADLINES.items():
            totals[words][0] += int(table[key].numerator)
            totals[words][1] += int(table[key].denominator)
    return totals


def size_of_change(before: Counts, now: Counts) -> list[str]:
    """What each headline was and is, in words, of those that moved."""
    said = []
    for scenario, counts in now.items():
        moved = []
        for words, count in counts.items():
            was = before.get(scenario, {}).get(words)
            if was is not None and was != count:
                unit = definition(HEADLINES[words].measure).unit
                moved.append(f"{words} {_value(was, unit)} to {_value(count, unit)}")
        if moved:
            said.append(f"{scenario}, seeds {' and '.join(map(str, SEEDS))}: {', '.join(moved)}")
    return said


def _value(count: list[int], unit: str) -> str:
    value = count[0] / count[1]
    return f"{value:.2%}" if unit == "share" else f"{value:.2f}"


def with_entry(changelog: str, entry: str) -> str:
    """The changelog with one entry more at the end of its newest release."""
    lines = changelog.rstrip("\n").split("\n")
    headings = [i for i, line in enumerate(lines) if line.startswith("## ")]
    end = headings[1] if len(headings) > 1 else len(lines)
    while not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], entry, *lines[end:]]) + "\n"


def entry_for(why: str, differing: list[str], moved: list[str], n_scenarios: int) -> str:
    """A changelog entry: why, which scenarios differ, and by how much the headlines moved."""
    which = ", ".join(differing) if len(differing) <= 5 else f"{len(differing)} of {n_scenarios} scenarios"
    size = "; ".join(moved) if moved else "no headline measure moved"
    return f"- **Results change** ({why}) in {which}. {size[0].upper()}{size[1:]}."


def renew(why: str, file: Path = FILE, changelog: Path = CHANGELOG) -> str:
    """Write the digests anew, and the entry if any was there and differs; returns what was done, in words."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    names = list_scenarios()
    digests: Digests = {name: digests_of(name) for name in names}
    headlines: Counts = {name: headlines_of(name) for name in HEADLINE_SCENARIOS}
    text = json.dumps({"digests": digests, "headlines": headlines}, indent=1, sort_keys=True) + "\n"
    file.write_text(text, encoding="utf-8")
    if before is None:
        return f"{file}: written for the first time; {changelog.name} is as it was."
    old: Digests = before["digests"]
    differing = [name for name in names if name in old and old[name] != digests[name]]
    moved = size_of_change(before["headlines"], headlines)
    if not differing and not moved:
        return f"{file}: no scenario that was in it has changed; {changelog.name} is as it was."
    entry = entry_for(why, differing, moved, len(names))
    changelog.write_text(with_entry(changelog.read_text(encoding="utf-8"), entry), encoding="utf-8")
    return f"{file}: renewed. {changelog.name} now says:\n{entry}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--why", required=True, help="why results change, in a few words, for the changelog")
    print(renew(parser.parse_args().why), file=sys.stderr)
