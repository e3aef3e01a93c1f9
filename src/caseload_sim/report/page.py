"""What is on the page: the answer, four cards, what to know before it is used, and the questions with their answers."""

from math import isnan, nan

from caseload_sim.definitions.labels import in_words
from caseload_sim.definitions.published import ENGLAND
from caseload_sim.report.assumed import has_own_posts, is_fitted, is_own
from caseload_sim.report.changes import what_would_change
from caseload_sim.report.doubt import how_sure, what_it_costs
from caseload_sim.report.ladder import added, who_gets_well
from caseload_sim.report.made import how_it_was_made
from caseload_sim.report.material import Material
from caseload_sim.report.parts import Card, Page
from caseload_sim.report.waits import growth_in_words, will_people_wait_less
from caseload_sim.report.wording import NONE, between, in_letters, percent, sentences, signed, whole, years


def page_of(material: Material) -> Page:
    """The page of a report."""
    run = material.scenario.run
    return Page(
        title=material.scenario.title,
        about=f"What a year looks like with these referrals, this staff and these waiting lists: {years(run.replications)}, each of them person by person.",
        answer=answer_of(material),
        cards=cards_of(material),
        caution=caution_of(material),
        sections=(
            will_people_wait_less(material),
            who_gets_well(material),
            what_would_change(material),
            how_sure(material),
            what_it_costs(material),
            how_it_was_made(material),
        ),
        foot=material.made.foot,
    )


def answer_of(material: Material) -> str:
    """What becomes of the lists, and how many of those who finish recover, in two sentences."""
    first, more = material.headline.rungs[0], added(material)
    if isnan(first.with_service):
        return "Nobody finishes a course of treatment here, so nobody can be counted as recovered by the service."
    if not material.is_served:
        return f"Nobody is seen here. Of every 100 who are referred, about {whole(100 * first.with_service)} would be counted as recovered all the same."
    whom = "who finish" if material.headline.finished else "who are referred"
    well = f"Of every 100 {whom}, about {whole(100 * first.with_service)} would be counted as recovered"
    if more is not None and not isnan(more.value):
        way = "more" if more.value >= 0 else "fewer"
        well += f": {whole(100 * abs(more.value))} {way} than if the same people had not been treated"
    said = (growth_in_words(material.stability), f"{well}.")
    return sentences(reversed(said) if material.stability.answer == "cannot tell" else said)


def cards_of(material: Material) -> tuple[Card, ...]:
    """Two standards, the lists, and people helped beyond no service."""
    within = []
    for one in material.headline.standards:
        is_known = not isnan(one.share)
        verdict = "nobody was seen" if not is_known else "missed" if one.is_missed else "met"
        within.append(
            Card(
                f"Seen {one.label} of referral",
                percent(one.share),
                f"Standard {percent(one.standard)}: {verdict}",
                missed=is_known and one.is_missed,
            )
        )
    return (*within, _card_of_lists(material), _card_of_people(material))


def _card_of_lists(material: Material) -> Card:
    label, stability = "Waiting lists, a week", material.stability
    if not material.is_served:
        return Card(label, NONE, "There are no lists")
    if stability.answer == "steady":
        return Card(label, "Steady", "No list changes by one person a week or more")
    if stability.answer == "cannot tell":
        return Card(label, "Unclear", f"{years(stability.runs).capitalize()} cannot tell whether lists grow")
    step, by = max(stability.moving.items(), key=lambda one: (one[1] > 0, abs(one[1])))  # what grows is first
    others = len(stability.moving) - 1
    more = f", and {in_letters(others)} more list{'s' * (others > 1)} on the move" if others else ""
    return Card(label, signed(by), f"People on the list for {in_words(step)}{more}")


def _card_of_people(material: Material) -> Card:
    label = "People helped beyond no service, a year"
    row = material.row("helped_to_recovery", "referred", "end")
    if row is None or isnan(row.value) or not material.is_served:
        return Card(label, NONE, "Nobody is treated")
    could_be = between(row.could_be_low, row.could_be_high)
    return Card(
        label,
        whole(row.value),
        sentences(("By the service\u2019s questionnaires.", could_be and f"Could be {could_be}.")),
    )


def caution_of(material: Material) -> tuple[str, ...]:
    """What must be known before a number of the page is used: whose posts, how far from published figures, what waiting does."""
    return (_on_posts(material), _on_published(material), _ON_WAITING)


_ON_WAITING = (
    "Waiting itself harms nobody in this model. A longer wait can even raise the reported share, because people have more time "
    "to get better by themselves. Never take that for a reason to let people wait."
)


def _on_posts(material: Material) -> str:
    if not is_own(material.scenario):
        return (
            f"This is not your service. Staff, referrals and waits are those of \u201c{material.scenario.title}\u201d. Read how figures "
            "differ from one another, not how high they are."
        )
    if not has_own_posts(material.nearest):
        return (
            f"The posts, and what one gets through in a week, are not yours but those of the scenario \u201c{in_words(material.nearest.name)}\u201d. "
            "Read how figures change, not how high they are."
        )
    if is_fitted(material.scenario):
        return "What one post gets through in a week was fitted to past waits, and is not counted. Look at it again when posts change a lot."
    return (
        "The posts are yours. What one post gets through in a week is typical of England until it is fitted to your own waits. "
        "Read how figures change, not how high they are."
    )


def _on_published(material: Material) -> str:
    ours = material.headline.rungs[0].with_service if material.headline.finished else nan
    here = "" if isnan(ours) else f" Here it is {percent(ours)}."
    return (
        f"England reports that {percent(ENGLAND.value, 1)} of those who finish recover (2024-25).{here} With treatment that does as much "
        "as trials found, this model stays below the published figure, for England too. Who counts what is shown below."
    )
