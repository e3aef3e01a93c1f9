"""How this was made: what is assumed and where it differs, what words mean, and how anybody can run it again."""

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import LADDER
from caseload_sim.report.assumed import Nearest, as_typed, inputs_in_words
from caseload_sim.report.ladder import in_words
from caseload_sim.report.material import Material
from caseload_sim.report.parts import Block, Command, Heading, Items, Section
from caseload_sim.report.wording import sentences, years
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario

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


def how_it_was_made(material: Material) -> Section:
    """The folded section at the end."""
    scenario, run = material.scenario, material.scenario.run
    blocks: list[Block] = [
        Heading("The scenario"),
        sentences((f"{scenario.name}: {scenario.title}.", scenario.summary.strip())),
        *_what_differs(material.nearest, scenario),
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


def _what_differs(nearest: Nearest, scenario: Scenario) -> list[Block]:
    """In what it differs from the shipped scenario that is nearest to it."""
    if not nearest.differences:
        return [f"Every input is as in the scenario {nearest.name} that caseload-sim ships."]
    listed = inputs_in_words(nearest.differences[:MOST_LISTED])
    if len(nearest.differences) > MOST_LISTED:
        more = len(nearest.differences) - MOST_LISTED
        listed += (f"and {more} more: caseload-sim diff {nearest.name} {as_typed(scenario)} shows all",)
    return [f"What differs from {nearest.name}, of which all else is taken:", Items(listed)]


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
