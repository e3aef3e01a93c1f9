"""Sourced numbers as they were read the second time, without looking at the first."""

import tomllib
from collections import defaultdict
from importlib.resources import files as data_files
from pathlib import Path

import pyarrow.parquet as pq

from caseload_sim.scenario.catalogue import list_scenarios
from caseload_sim.scenario.files import shipped_folder

READINGS = {path.stem: path for path in (Path(__file__).with_name("second_reading")).glob("*.toml")}


def parent_of(name: str) -> str | None:
    """The scenario that a shipped one extends, None for one that stands by itself."""
    content = tomllib.loads((shipped_folder() / f"{name}.toml").read_text("utf-8"))
    extends: str | None = content.get("extends")
    return extends


def second_readings(name: str) -> dict[str, dict[str, float]]:
    """Second readings that hold for a scenario, by dotted path: a file called after a scenario is for those that extend it."""
    chain: list[str] = []
    scenario: str | None = name
    while scenario is not None:
        chain.insert(0, scenario)
        scenario = parent_of(scenario)
    of_all = [stem for stem in READINGS if stem not in list_scenarios()]
    files = [READINGS[stem] for stem in (*of_all, *chain) if stem in READINGS]
    return {path: entry for file in files for path, entry in tomllib.loads(file.read_text("utf-8")).items()}


def of_the_snapshot(codes: list[str], total: float) -> dict[str, dict[str, float]]:
    """Referrals and deprivation of providers by name, read row by row from the snapshot; together with so many referrals."""
    data = data_files("caseload_sim.services") / "data"
    with (data / "monthly.parquet").open("rb") as monthly, (data / "annual_by_group.parquet").open("rb") as annual:
        months, groups = pq.read_table(monthly).to_pylist(), pq.read_table(annual).to_pylist()
    referrals: dict[str, float] = defaultdict(float)
    for row in months:
        if row["code"] in codes and row["measure_id"] == "M001" and "2024-04" <= row["month"] <= "2025-03":
            referrals[row["code"]] += row["value"]
    deciles: dict[str, dict[int, float]] = defaultdict(dict)
    by_decile = ("2024-25", "Indices of Deprivation Decile", "referrals_received_count")
    for row in groups:
        if (row["year"], row["kind"], row["measure"]) == by_decile and row["group"][0].isdigit():
            deciles[row["code"]][int(row["group"].split()[0])] = row["value"]
    found = {}
    for code in codes:
        path = f"providers.each.{code}"
        found[f"{path}.demand.referrals_per_year"] = referrals[code] * total / sum(referrals.values())
        for decile, n in deciles[code].items():
            label = {1: "1_least_deprived", 10: "10_most_deprived"}.get(decile, str(decile))
            found[f"{path}.population.strata.deprivation_decile.{label}"] = n / sum(deciles[code].values())
    return {path: {"value": value} for path, value in found.items()}
