"""What a command is reckoned to need of memory, beside what it takes, in services that are large in one way each."""

import subprocess
import sys
from pathlib import Path

import pytest

# Runs a command as from the command line; at the end it prints the bytes that were reckoned, and those at the peak.
MEASURED = """
import resource, sys
from caseload_sim.cli import running
from caseload_sim.cli.main import main
works, announce = [], running._announce
running._announce = lambda work, beyond: (works.append(work), announce(work, True))
sys.argv = ["caseload-sim", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(works[0].memory_bytes, peak, file=sys.stderr)
"""
TINY: dict[str, object] = {
    "demand.referrals_per_year": 300, "run.warm_up_days": 10, "run.data_collection_days": 60, "run.follow_up_days": 100,
    "run.replications": 1,
}  # fmt: skip
STAFF = ("assessor", "psychological_wellbeing_practitioner", "high_intensity_therapist")
MANY_STRATA: dict[str, object] = {
    f"population.strata.area{k}": "{"
    + ",".join(f'a{i} = {{ value = 0.01, assumption = "x" }}' for i in range(100))
    + "}"
    for k in range(4)
}
CASES: dict[str, tuple[str, dict[str, object]]] = {
    "nothing large": ("run hepgul_2016 --no-figures", TINY),
    "clients, all tables": ("run hepgul_2016 --no-figures", {"demand.referrals_per_year": 100_000, "run.replications": 1}),
    "clients, measures alone": ("audit hepgul_2016", {"demand.referrals_per_year": 100_000, "run.replications": 1}),
    "events": ("run hepgul_2016 --no-figures --event-log", {"demand.referrals_per_year": 40_000, "run.replications": 1}),
    "replications": ("run hepgul_2016 --no-figures", TINY | {"run.replications": 200}),
    "days": (
        "run hepgul_2016 --no-figures",
        TINY | {"run.warm_up_days": 30_000, "run.follow_up_days": 36_000, "run.weekends_off": "false"},
    ),
    "posts": (
        "run hepgul_2016 --no-figures",
        TINY
        | {f"staff.{kind}.wte": 90_000 for kind in STAFF}
        | {f"staff.{kind}.contacts_per_week": 0.5 for kind in STAFF}
        | {f"staff.{kind}.leavers_per_year": 12 for kind in STAFF}
        | {f"staff.{kind}.days_to_replace": 10 for kind in STAFF},
    ),
    "providers": ("run national_2024_25 --no-figures", TINY | {"providers": "{number=60, staff_log_sd={value=0.3}}", "run.follow_up_days": 3000}),
    "groups": ("run hepgul_2016 --no-figures", TINY | MANY_STRATA),
    "people": ("population hepgul_2016 --clients 600000", {}),
}  # fmt: skip


@pytest.mark.verification
@pytest.mark.parametrize("case", list(CASES))
def test_memory_is_reckoned_to_a_fifth(case: str, tmp_path: Path) -> None:
    words, changes = CASES[case]
    sets = [word for path, value in changes.items() for word in ("--set", f"{path}={value}")]
    command = [sys.executable, "-c", MEASURED, *words.split(), *sets, "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1500)
    reckoned, taken = map(int, done.stderr.splitlines()[-1].split())
    assert 0.8 * taken <= reckoned <= 1.2 * taken, f"{reckoned / 1e6:.0f} MB reckoned, {taken / 1e6:.0f} MB taken"
