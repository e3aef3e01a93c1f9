"""How this was made: what is assumed and where it differs, what words mean, and how anybody can run it again."""

from collections.abc import Sequence
from typing import Any

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import LADDER, words
from caseload_sim.report.ladder import in_words
from caseload_sim.report.material import Material
from caseload_sim.report.parts import Block, Command, Heading, Items, Section
from caseload_sim.report.wording import sentences, years
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.in_words import Difference, what_differs
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario

WHOLE_SERVICES = ("hepgul_2016", "national_2024_25")  # which all others are made from
MOST_LISTED = 20
LICENCE = "Contains figures published by NHS England, used under the Open Government Licence v3.0."
CITATION = "The caseload-sim founders. caseload-sim: remission in stepped-care talking therapy, for those really referred, by every definition."
_ASSUMED = (
    (
        "How many get better untreated",
        "read from studies of people who were followed without treatment, and of waiting lists",
    ),
    (
        "What treatment adds",
        "as much as trials found for a full course, unless the scenario says otherwise; less for those who leave early",
    ),
    ("What is wrong with whom", "how common each disorder is among those referred, and which come together"),
    ("How long people wait", "until they give up: nobody has published it, so it is assumed"),
    ("What a post gets through", "contacts a week of a full post: fitted to published waits, or assumed"),
    ("Questionnaires and interviews", "how often the two disagree about the same person, as in studies that used both"),
)


def is_own(scenario: Scenario) -> bool:
    """Whether it is somebody's own service rather than one that is shipped."""
    return bool(scenario.start.stated()) or scenario.name not in list_scenarios()


def is_fitted(scenario: Scenario) -> bool:
    """Whether what each kind of post does, or how many there are, was fitted to something."""
    return all(staff.wte.fitted or staff.contacts_per_week.fitted for staff in scenario.staff.values())


def as_typed(scenario: Scenario) -> str:
    """How the scenario is given to a command."""
    return f"{scenario.name}.toml" if scenario.name not in list_scenarios() else scenario.name


def how_it_was_made(material: Material) -> Section:
    """The folded section at the end."""
    scenario, run = material.scenario, material.scenario.run
    blocks: list[Block] = [
        Heading("The scenario"),
        sentences((f"{scenario.name}: {scenario.title}.", scenario.summary.strip())),
        *_what_differs(scenario),
        Heading("What is assumed and matters most"),
        Items(_ASSUMED),
        _origins(scenario),
        Heading("What the words mean"),
        Items(tuple(_definitions())),
        Heading("Run it again"),
        f"{years(run.replications).capitalize()} with seed {run.seed}: {run.warm_up_days} days to settle, {run.data_collection_days} days that are "
        f"counted, {run.follow_up_days} days for courses to end. Every input, and a digest of every table, is in run.json. The record\u2019s own "
        f"digest is {material.digest or 'not known'}.",
        *(Command(f"caseload-sim rerun {folder}") for folder in material.folders),
        "Made with " + ", ".join(f"{name} {version}" for name, version in material.versions.items()) + ".",
        Heading("Cite it"),
        f"{CITATION} Version {material.versions['caseload-sim']}, seed {run.seed}, scenario {scenario.name}.",
        LICENCE,
    ]
    return Section("How this was made", tuple(blocks), is_folded=True)


def inputs_in_words(found: Sequence[Difference]) -> tuple[str, ...]:
    """Inputs that differ, each with its value in the one and in the other."""
    said = []
    for one in found:
        *_, owner, last = ("", *one.path.split("."))
        is_number = isinstance(one.second if one.second is not None else one.first, int | float)
        meaning = one.meaning.rstrip(".") if one.meaning and is_number else words(last)
        owner = words(owner) if is_number else ""
        said.append(f"{owner}{': ' * bool(owner)}{meaning}: {_value(one.first)} \u2192 {_value(one.second)}")
    return tuple(said)


def _value(value: Any) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return words(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _what_differs(scenario: Scenario) -> list[Block]:
    """In what it differs from the shipped scenario that is nearest to it."""
    shipped = scenario.name if scenario.name in list_scenarios() else ""
    if shipped and not (found := _inputs(get_scenario(shipped), scenario)):
        if shipped in WHOLE_SERVICES:
            return ["It is a scenario that caseload-sim ships, as it is shipped."]
        shipped = ""
    others = [shipped] if shipped else list(WHOLE_SERVICES)
    name, found = min(((name, _inputs(get_scenario(name), scenario)) for name in others), key=lambda one: len(one[1]))
    if not found:
        return [f"Every input is that of {name}."]
    listed = inputs_in_words(found[:MOST_LISTED])
    if len(found) > MOST_LISTED:
        listed += (f"and {len(found) - MOST_LISTED} more: caseload-sim diff {name} {as_typed(scenario)} shows all",)
    return [f"What differs from {name}, of which all else is taken:", Items(listed)]


def _inputs(first: Scenario, second: Scenario) -> list[Difference]:
    return [one for one in what_differs(first, second) if one.matters]


def _origins(scenario: Scenario) -> str:
    every = [number for _, number, _ in numbers(scenario)]
    fitted, assumed = sum(bool(one.fitted) for one in every), sum(bool(one.assumption) for one in every)
    return (
        f"Of {len(every):,} numbers, {len(every) - fitted - assumed:,} have a source, {fitted:,} were fitted to published figures, and "
        f"{assumed:,} are assumptions; caseload-sim explain {as_typed(scenario)} shows each."
    )


def _definitions() -> list[tuple[str, str]]:
    """Of every figure on the page, the definition in the tables."""
    rungs = {in_words(rung)[0]: rung.measure for rung in LADDER}
    others = {
        "People helped, by the questionnaires": "helped_to_recovery",
        "People helped, by interview": "helped_to_remission",
        "Seen within 6 weeks": "first_contact_within_6_weeks",
        "Change of a list a week": "waiting_list_growth",
    }
    cut_off = (
        "Caseness",
        "a score that counts as a case: at or above the cut-off of one questionnaire, such as 10 of PHQ-9",
    )
    return [*((label, definition(measure).definition) for label, measure in {**rungs, **others}.items()), cut_off]
