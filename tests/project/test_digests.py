"""Results change only on purpose: every shipped scenario gives, on two seeds, exactly what it gave when digests.json was made."""

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

import renew_digests
from caseload_sim.scenario.catalogue import list_scenarios
from renew_digests import (
    FILE,
    digest_of_counts,
    digests_of,
    entry_for,
    finished,
    headlines_of,
    short,
    size_of_change,
    with_entry,
)

KEPT = json.loads(FILE.read_text(encoding="utf-8"))
HINT = 'If that is meant: python tests/renew_digests.py --why "the reason"'


def test_every_shipped_scenario_has_its_digests() -> None:
    assert sorted(KEPT["digests"]) == sorted(list_scenarios()), HINT
    assert len(KEPT["digests"]) >= 20


@pytest.mark.parametrize("name", list_scenarios())
def test_a_scenario_gives_exactly_what_it_gave(name: str) -> None:
    now = digests_of(name)
    differing = [
        f"{table} of seed {seed}" for seed, kept in KEPT["digests"][name].items() for table, digest in kept.items()
        if now[seed].get(table) != digest
    ]  # fmt: skip
    assert not differing, f"{name} has changed: {', '.join(differing)}. {HINT}"


@pytest.mark.verification
@pytest.mark.parametrize("name", renew_digests.HEADLINE_SCENARIOS)
def test_the_headlines_at_full_size_are_exactly_what_they_were(name: str) -> None:
    assert headlines_of(name) == KEPT["headlines"][name], HINT


def test_only_scenarios_that_simulate_the_same_have_the_same_digests() -> None:
    """A test of the test: digests that were all alike would compare equal for ever."""
    seen = {name: {d["measures"] for d in by_seed.values()} for name, by_seed in KEPT["digests"].items()}
    assert all(len(digests) == len(renew_digests.SEEDS) for digests in seen.values())
    alike = {(a, b) for a, b in combinations(sorted(seen), 2) if seen[a] & seen[b]}
    assert alike == {("hepgul_2016", "independent_audit")}, "the audit looks at the default service"


def test_the_digest_of_counts_changes_with_one_count_and_not_with_pounds() -> None:
    table = dict(finished(short("hepgul_2016"), 1).measures)
    before = digest_of_counts(table)
    counted = next(key for key in table if key.measure == "recovery" and table[key].denominator > 5)
    assert (
        digest_of_counts(table | {counted: table[counted]._replace(numerator=table[counted].numerator + 1)}) != before
    )
    pounds = next(key for key in table if key.measure == "cost_per_referral")
    assert digest_of_counts(table | {pounds: table[pounds]._replace(numerator=1.0)}) == before


def test_the_size_of_a_change_is_said_in_the_changelog_at_the_end_of_the_newest_release() -> None:
    before = {"hepgul_2016": {"official recovery of finishers": [400, 1000], "days to the first contact": [2140, 100]}}
    now = {"hepgul_2016": {"official recovery of finishers": [405, 1000], "days to the first contact": [2140, 100]}}
    moved = size_of_change(before, now)
    assert moved == ["hepgul_2016, seeds 1 and 2: official recovery of finishers 40.00% to 40.50%"]
    entry = entry_for("new rounding", ["hepgul_2016"], moved, 30)
    assert (
        entry
        == "- **Results change** (new rounding) in hepgul_2016. Hepgul_2016, seeds 1 and 2: official recovery of finishers 40.00% to 40.50%."
    )
    assert (
        entry_for("x", list("abcdef"), [], 30)
        == "- **Results change** (x) in 6 of 30 scenarios. No headline measure moved."
    )
    assert with_entry("# C\n\n## 2\n\n- b\n\n## 1\n\n- a\n", "- new") == "# C\n\n## 2\n\n- b\n- new\n\n## 1\n\n- a\n"
    assert with_entry("# C\n\n## 1\n\n- a\n", "- new") == "# C\n\n## 1\n\n- a\n- new\n"


def test_renewing_writes_digests_and_entry_and_leaves_both_alone_when_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renew_digests, "list_scenarios", lambda: ["no_service"])
    monkeypatch.setattr(renew_digests, "HEADLINE_SCENARIOS", ())
    file, changelog = tmp_path / "digests.json", tmp_path / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## 1\n\n- a\n", encoding="utf-8")
    assert "first time" in renew_digests.renew("x", file, changelog)
    assert "no scenario" in renew_digests.renew("x", file, changelog)
    assert changelog.read_text(encoding="utf-8") == "# Changelog\n\n## 1\n\n- a\n"
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["digests"]["no_service"] == digests_of("no_service")
    kept["digests"]["no_service"]["1"]["episodes"] = "another"
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert "now says" in renew_digests.renew("a better rule", file, changelog)
    assert "- **Results change** (a better rule) in no_service. No headline measure moved." in changelog.read_text(
        encoding="utf-8"
    )


def test_nobody_renews_digests_without_saying_why() -> None:
    command = [sys.executable, str(Path(renew_digests.__file__))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--why" in done.stderr
