"""A short commented scenario file for a manager's own service, with the numbers of the scenario it extends."""

import numpy as np

from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.simulation.replication import mean_disorders
from caseload_sim.simulation.running_start import leave_out_excess, running_start


def waiting_at_opening(scenario: Scenario, draws: Draws) -> dict[str, int]:
    """How many clients are on the list of each step when a scenario with a running start opens; empty without one."""
    if not scenario.start.running or not POLICIES[scenario.pathway.policy].steps:
        return {}
    capacity = places(scenario, draws, mean_disorders(scenario, draw_clients(scenario, draws)))
    plans = leave_out_excess(running_start(scenario, draws), capacity, draws).plans
    on_list = plans.first[(plans.joins_day < 0) & (plans.started_day == NOT_YET)]
    return {name: int(np.sum(plans.step[on_list] == s)) for s, name in enumerate(scenario.steps)}


SCHEMA_FILE = "caseload-sim.schema.json"  # named on the first line, where editors look for it
OURS = 'assumption = "our service"'


def service_file(scenario: Scenario) -> str:
    """The text of the file. Raises RunError for a scenario without courses of treatment."""
    steps = scenario.pathway.courses
    waiting = waiting_at_opening(scenario, Draws(scenario.run.seed, 0))
    if not waiting:
        raise RunError(f"{scenario.name}: nobody is treated in it, so it is no start for a service of your own.")
    lines = [
        f"#:schema ./{SCHEMA_FILE}",
        "# Your service over the next twelve months. Put your own numbers in place of these and run it:",
        "#   caseload-sim run this_file.toml",
        f"# What you do not say here is as in {scenario.name}: `caseload-sim explain this_file.toml` shows all of it.",
        "",
        f'extends = "{scenario.name}"',
        'title = "Our service"',
        "",
        "[run]",
        "warm_up_days = 0  # the year begins today",
        "",
        "[demand]",
        "# How many people are referred to you in a year, by themselves or by others.",
        f"referrals_per_year = {{ value = {scenario.demand.referrals_per_year.value:g}, {OURS} }}",
    ]
    for kind in dict.fromkeys(step.staff for step in scenario.pathway.steps.values()):
        serves = [name for name, step in scenario.pathway.steps.items() if step.staff == kind]
        staff = scenario.staff[kind]
        lines += [
            "",
            f"[staff.{kind}]",
            f"# Whole-time equivalents for {', '.join(serves)}.",
            f"wte = {{ value = {staff.wte.value:.4g}, {OURS} }}",
            "# Contacts that one of them can book in a full week at work.",
            f"contacts_per_week = {{ value = {staff.contacts_per_week.value:g}, {OURS} }}",
        ]
    lines += [
        "",
        "[start.waiting]",
        "# Clients on each list today. Delete a line where you do not know: then as many wait as your staff leave",
        "# waiting in the long run. How long they have waited so far follows from how many they are.",
    ]
    lines += [f"{name} = {{ value = {waiting[name]}, {OURS} }}" for name in steps]
    return "\n".join(lines) + "\n"
