"""The STRESS-DES reporting checklist of a scenario: what the program knows is filled in, the rest is left to its author.

After Monks et al. 2019, "Strengthening the reporting of empirical simulation studies: introducing the STRESS guidelines",
Journal of Simulation 13(1), doi:10.1080/17477778.2018.1442155: twenty items in six sections. The wording of items is ours.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby

from caseload_sim.scenario.in_words import PUBLISHED
from caseload_sim.scenario.numbers import Number, numbers
from caseload_sim.scenario.outcome import Source
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario

TO_FILL_IN = "**To fill in:**"
CITATION = (
    "Monks T, Currie CSM, Onggo BS, Robinson S, Kunc M, Taylor SJE. Strengthening the reporting of empirical simulation "
    "studies: introducing the STRESS guidelines. Journal of Simulation 2019;13(1):55-67. "
    "[doi:10.1080/17477778.2018.1442155](https://doi.org/10.1080/17477778.2018.1442155)"
)


def checklist(scenario: Scenario, sources: Mapping[str, Source], versions: Mapping[str, str]) -> str:
    """The checklist as Markdown; lines that only the author can write begin with TO_FILL_IN.

    sources: those shipped; versions: of the packages that the answer depends on
    """
    lines = [
        f"# STRESS-DES checklist: {_plain(scenario.name)}",
        "",
        f"{_plain(scenario.title)}. Written by `caseload-sim report-checklist`. Lines that begin with {TO_FILL_IN} are for the "
        "author: the program cannot know them.",
        "",
        f"After {CITATION}. Sections and items are numbered as there; their wording here is ours.",
    ]
    for section, items in (
        ("1. Objectives", _objectives(scenario)),
        ("2. Logic", _logic(scenario)),
        ("3. Data", _data(scenario, sources)),
        ("4. Experimentation", _experimentation(scenario)),
        ("5. Implementation", _implementation(scenario, versions)),
        ("6. Code access", _code_access()),
    ):
        lines += ["", f"## {section}"]
        for title, body in items:
            lines += ["", f"### {title}", "", *body]
    return "\n".join(lines) + "\n"


Items = Iterator[tuple[str, list[str]]]


def _fill_in(what: str) -> str:
    return f"{TO_FILL_IN} {what}"


def _plain(text: str) -> str:
    """Text of a file on one line, so that it cannot add headings or rows of its own."""
    return " ".join(text.split()).replace("|", "/").replace("<", "&lt;")


def _objectives(scenario: Scenario) -> Items:
    yield (
        "1.1 Purpose of the model",
        [_plain(scenario.summary), "", _fill_in("the decision or question that this study serves, and for whom.")],
    )
    yield (
        "1.2 Model outputs",
        [
            f"Look at: {_plain(scenario.look_at)}",
            "",
            "Every measure has a definition, a numerator, a denominator and an interval: `caseload-sim list measures`. The "
            "ladder gives recovery by questionnaire, remission of the principal disorder, of all and full remission, over "
            "finishers, starters and all referred, at the end and a year later, with the service and for the same clients "
            "with none.",
            "",
            _fill_in("which of these the study reports, and which was the main one beforehand."),
        ],
    )
    yield (
        "1.3 Experimentation aims",
        [
            f"Policy in use: `{scenario.pathway.policy}`, {_policy(scenario)}.",
            "",
            _fill_in("the scenarios compared, the hypotheses, and what counts as a difference that matters."),
        ],
    )


def _policy(scenario: Scenario) -> str:
    return POLICIES[scenario.pathway.policy].description


def _logic(scenario: Scenario) -> Items:
    routing = scenario.pathway.routing
    yield (
        "2.1 Base model overview",
        [
            "Referral, assessment, waiting list, course of treatment, step up or down, discharge. All that is random is drawn "
            "before the queue runs; the queue passes whole days by written rules (docs/rules_of_the_day.md).",
            "",
            "| step | kind | staff | steps up to | steps down to |",
            "|---|---|---|---|---|",
            *(
                f"| {_plain(name)} | {step.kind} | {_plain(step.staff)} | "
                + (
                    f"{_plain(step.steps_up_to or '')} | {_plain(step.steps_down_to or '')} |"
                    if isinstance(step, CourseStep)
                    else " | |"
                )
                for name, step in scenario.pathway.steps.items()
            ),
        ],
    )
    rules = scenario.population.eligibility
    yield (
        "2.2 Base model logic",
        [
            f"- Routing: `{scenario.pathway.policy}`, {_policy(scenario)}.",
            f"- Recorded when the right problem is not: {_listed(routing.otherwise_recorded)}. Sent to high intensity by the rule: {_listed(routing.high_intensity_problems)}.",
            f"- Admission: {f'{rules.emotional_disorders_min} to {rules.emotional_disorders_max} emotional disorders, without {_listed(rules.excluded_conditions)}' if rules else 'everybody referred'}.",
            f"- Working days: {'nobody starts on a weekend or bank holiday' if scenario.run.weekends_off else 'every day'}.",
            f"- Staff: {'leave and are replaced' if scenario.run.staff_turnover else 'all posts are filled for good'}.",
            "- Each day: courses that end free their places, then those who step up, are referred or return join lists and those "
            "whose patience ends leave, then free places are filled in the order of the list.",
        ],
    )
    yield (
        "2.3 Scenario logic",
        [
            f"`caseload-sim diff` gives what differs between `{_plain(scenario.name)}` and any other scenario, in words.",
            "",
            _fill_in("what the scenarios of the study change, and why."),
        ],
    )
    yield (
        "2.4 Algorithms",
        [
            "Conditions: liability thresholds (multivariate probit) with a common factor and named pairs. Waiting lists: by "
            "priority, day of joining and client. Natural course, treatment and questionnaires: equations in docs/outcome.md.",
            "",
            f"Patience, planned sessions, drop-out, missed contacts: distributions in docs/model.md; influences switched on: "
            f"{_listed(tuple(n for n in ('patience', 'missed', 'drop_out') if getattr(scenario.pathway.influences, n).switched_on))}.",
        ],
    )
    yield (
        "2.5 Components",
        [
            f"- Entities: clients, with {_listed(tuple(scenario.population.prevalence))}; strata {_listed(tuple(scenario.population.strata))}.",
            "- Activities: the steps of 2.1; a client holds one place of a step from first to last session.",
            f"- Resources: {'; '.join(f'{_plain(kind)} {staff.wte.value:g} WTE of posts' for kind, staff in scenario.staff.items())}.",
            "- Queues: one waiting list for each step.",
            f"- Entry: {scenario.demand.referrals_per_year.value:g} referrals a year"
            f"{', by months of the year' if scenario.demand.seasonal else ''}"
            f"{', but as counted in ' + str(len(counted)) + ' months' if (counted := scenario.demand.monthly_referrals) else ''}"
            f"{_to_providers(scenario)}; shocks: {_listed(tuple(scenario.demand.shocks))}.",
            "- Exit: discharge, dropping out, declining, giving up waiting.",
        ],
    )


def _to_providers(scenario: Scenario) -> str:
    if scenario.providers is None:
        return ""
    n = scenario.providers.how_many
    if scenario.providers.each:
        return f", for a provider of the {n} that does not say how many it has"
    return f", each to {n} providers"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(_plain(name) for name in names) or "none"


def _data(scenario: Scenario, sources: Mapping[str, Source]) -> Items:
    every = [one for one in numbers(scenario) if not one[0].startswith(PUBLISHED)]
    by_source: dict[str, list[str]] = {}
    for path, number, _ in every:
        if number.source:
            by_source.setdefault(number.source, []).append(path)
    known = {**sources, **scenario.sources}
    yield (
        "3.1 Data sources",
        [
            "| source | reference | numbers from it |",
            "|---|---|---|",
            *(
                f"| {_plain(key)} | {_plain(known[key].citation)} | {len(by_source[key])} |"
                for key in sorted(by_source)
            ),
            "",
            _fill_in("data of your own service: who collected them, when, with what permission."),
        ],
    )
    yield (
        "3.2 Pre-processing",
        [
            "Where a number was derived from its source, the place in the source says how (3.3).",
            "",
            _fill_in("what was done to data of your own before they were entered."),
        ],
    )
    yield ("3.3 Input parameters", list(_inputs(every)))
    assumed = sum(bool(number.assumption) for _, number, _ in every)
    fitted = sum(bool(number.fitted) for _, number, _ in every)
    doubts = [
        f"- {_plain(doubt.meaning)}: {doubt.low:g} to {doubt.high:g}{' times the values used' if doubt.multiplies else ''} "
        f"({_plain(doubt.assumption)})"
        for doubt in scenario.doubt.values()
    ]
    yield (
        "3.4 Assumptions",
        [
            f"Of {len(every)} inputs {assumed} are assumptions and {fitted} were fitted; 3.3 marks each of them.",
            "",
            *(["Ranges of doubt:", "", *doubts] if doubts else ["The scenario gives no ranges of doubt."]),
            "",
            _fill_in("which of these the clients, clinicians or managers concerned have seen and accepted."),
        ],
    )


def _inputs(every: list[tuple[str, Number, str]]) -> Iterator[str]:
    """One table for each part of a scenario."""
    for part, rows in groupby(every, key=lambda one: one[0].split(".")[0]):
        yield from (f"**{_plain(part)}**", "", "| input | value | meaning | origin |", "|---|---|---|---|")
        for path, number, meaning in rows:
            kind = "source " if number.source else ""
            yield f"| `{_plain(path)}` | {number.value:g} | {_plain(meaning)} | {kind}{_plain(number.origin())} |"
        yield ""


def _experimentation(scenario: Scenario) -> Items:
    run = scenario.run
    waiting = ", ".join(
        f"{_plain(name)} {sum(part.clients for part in parts)}" for name, parts in scenario.start.stated().items()
    )
    opening = (
        f"It opens with a caseload and waiting lists{f' ({waiting})' if waiting else ' that make it stationary'}."
        if scenario.start.running
        else "It opens empty."
    )
    yield (
        "4.1 Initialisation",
        [f"Warm-up of {run.warm_up_days} days, left out of all measures. {opening} Day 0 is {run.opens}."],
    )
    yield (
        "4.2 Run length",
        [
            f"{run.data_collection_days} days of data collection, then {run.follow_up_days} days in which referrals end. "
            "Unit of time: whole days."
        ],
    )
    yield (
        "4.3 Estimation approach",
        [
            f"{run.replications} independent replications; intervals are 95% intervals of the mean over them (Student's t). "
            "Scenarios are compared on common random numbers, replication by replication."
        ],
    )


def _implementation(scenario: Scenario, versions: Mapping[str, str]) -> Items:
    yield (
        "5.1 Software or programming language",
        [
            "Python; "
            + ", ".join(f"{name} {number}" for name, number in versions.items())
            + ". `run.json` keeps them with each run."
        ],
    )
    yield (
        "5.2 Random sampling",
        [
            f"Seed {scenario.run.seed}. One Philox stream for each seed, replication and purpose; a client's place in it is the "
            "client's number, so the same person has the same draws in every scenario. Values by inverse distribution functions."
        ],
    )
    yield (
        "5.3 Model execution",
        [
            "The queue in steps of a day, by a compiled loop or by SimPy, which give the same table row for row "
            f"(`caseload-sim check`). `caseload-sim run {_plain(scenario.name)}` runs it; `--jobs` uses several processes, with the same answer."
        ],
    )
    yield (
        "5.4 System specification",
        [_fill_in("processor, memory and operating system used, and how long the runs took.")],
    )


def _code_access() -> Items:
    yield (
        "6.1 Computer model sharing statement",
        [
            "The program is open source under the MIT licence, with how to cite it in CITATION.cff. A run folder holds all "
            "inputs, and `caseload-sim rerun FOLDER` says whether its tables come out again.",
            "",
            _fill_in("where your scenario files and run folders can be found."),
        ],
    )
