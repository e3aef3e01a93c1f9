"""A scenario in words: every number with its source, or that it is an assumption."""

from collections.abc import Mapping
from textwrap import fill

from caseload_sim.origin import Number, numbers
from caseload_sim.policies import POLICIES
from caseload_sim.scenario import Scenario, Source

WIDTH, INDENT = 100, " " * 6


def explain(scenario: Scenario, sources: Mapping[str, Source]) -> str:
    """The resolved scenario as plain text, section by section, with the references it cites at the end."""
    run = scenario.run
    lines = [
        f"{scenario.name}: {scenario.title}",
        "",
        scenario.summary.strip(),
        f"Look at: {scenario.look_at}",
        "",
        f"Runs {run.replications} replications with seed {run.seed}: {run.warm_up_days} days of warm-up, then "
        f"{run.data_collection_days} days of data collection, then {run.follow_up_days} days to let referrals end.",
        f"Opens on {run.opens}. {_calendar(scenario)}",
        f"Policy {scenario.pathway.policy}: {POLICIES[scenario.pathway.policy].description}.",
        f"Steps: {', '.join(_step(scenario, name) for name in scenario.steps)}.",
        f"Recorded when the right problem is not: {', '.join(scenario.pathway.routing.otherwise_recorded)}. "
        f"Sent to high intensity by the rule: {', '.join(scenario.pathway.routing.high_intensity_problems) or 'none'}.",
        f"Those never seen are read {scenario.outcome.measured_after_days} days after referral.",
    ]
    if rules := scenario.population.eligibility:
        lines.append(
            f"Admitted only with {rules.emotional_disorders_min} to {rules.emotional_disorders_max} emotional disorders, the "
            f"worst of severity {rules.principal_severity_min:g} SD or more, and without "
            f"{', '.join(rules.excluded_conditions) or 'any exclusion'} (assumption: {rules.assumption})."
        )
    lines = [fill(line, WIDTH) for line in lines]
    section = None
    for path, number, meaning in numbers(scenario):
        parent, _, name = path.rpartition(".")
        if parent != section:
            section = parent
            lines += ["", f"[{parent}]"]
        lines.append(f"  {name} = {number.value:g}{f'  {meaning}' if meaning else ''}")
        lines.append(fill(_origin(number), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT))
    cited = {number.source for _, number, _ in numbers(scenario) if number.source}
    lines += ["", "Sources"]
    for key in sorted(cited):
        source = {**sources, **scenario.sources}[key]
        reference = f"{key}: {source.citation}{f' doi:{source.doi}' if source.doi else ''}"
        lines.append(fill(reference, WIDTH, initial_indent="  ", subsequent_indent=INDENT, break_long_words=False))
    every = [number for _, number, _ in numbers(scenario)]
    assumed, fitted = sum(bool(n.assumption) for n in every), sum(bool(n.fitted) for n in every)
    sourced = len(every) - assumed - fitted
    lines += ["", f"{len(every)} numbers: {sourced} with a source, {fitted} fitted, {assumed} assumptions."]
    return "\n".join(lines)


def _origin(number: Number) -> str:
    return f"{'source ' if number.source else ''}{number.origin()}"


def _calendar(scenario: Scenario) -> str:
    """When clients are referred and seen, in words."""
    return " ".join(
        [
            "Referrals follow the months of the year."
            if scenario.demand.seasonal
            else "Referrals are the same in every month.",
            "Nobody starts on a weekend or bank holiday."
            if scenario.run.weekends_off
            else "Every day is a working day.",
            "Staff leave and are replaced." if scenario.run.staff_turnover else "All posts are filled for good.",
            *(f"Shock {name}: {s.from_date} to {s.to_date}." for name, s in scenario.demand.shocks.items()),
            *(
                f"Surge {name} of {kind}: {s.from_date} to {s.to_date}."
                for kind, staff in scenario.staff.items()
                for name, s in staff.surge.items()
            ),
        ]
    )


def _step(scenario: Scenario, name: str) -> str:
    step = scenario.pathway.steps[name]
    stepping = POLICIES[scenario.pathway.policy].steps_up and step.kind == "course" and step.steps_up_to
    up = f", steps up to {stepping}" if stepping else ""
    return f"{name} ({step.kind} by {step.staff}{up})"
