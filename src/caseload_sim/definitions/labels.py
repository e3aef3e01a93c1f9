"""The order of labels in every table of a scenario: that of the catalogue for names it knows, then by name; and names in words.

The order of lines in a file means nothing. Whatever goes by position inside, such as a column, follows this order instead, so
that the same lines in any order make the same scenario.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

_KNOWN = (
    # conditions
    "major_depression", "generalised_anxiety", "panic_agoraphobia", "social_anxiety", "ptsd", "ocd", "other_anxiety",
    "alcohol_dependence", "other_substance_dependence", "personality_disorder", "childhood_sexual_abuse",
    "childhood_physical_abuse",
    # groups of conditions, beside which single conditions may stand
    "emotional_disorder", "dependence", "childhood_abuse",
    # what clients are divided by, and its parts that no number puts in order
    "age_band", "sex", "long_term_condition", "deprivation_decile", "under 18", "yes", "no",
    # staff, steps, and how contacts take place
    "assessor", "psychological_wellbeing_practitioner", "high_intensity_therapist",
    "assessment", "low_intensity", "group", "internet_guided", "high_intensity",
    "face_to_face", "telephone", "video",
    # what clients are read by
    "phq9", "phq9_mean", "phq9_sd", "gad7", "gad7_mean", "gad7_sd",
)  # fmt: skip
_PLACE = {label: k for k, label in enumerate(_KNOWN)}
_LAST = "default"  # stands for all that a table does not list

_LONGEST_NUMBER = 40  # digits; longer ones are ordered somehow, and always alike

Place = tuple[int, str, str]


def place_of(label: str) -> Place:
    """What labels are sorted by: known ones first, `default` last, numbers within a name by their size.

    >>> sorted(["10_most", "default", "9", "my_disorder", "ptsd"], key=place_of)
    ['ptsd', '9', '10_most', 'my_disorder', 'default']
    """
    known = len(_KNOWN) + 1 if label == _LAST else _PLACE.get(label, len(_KNOWN))
    return known, re.sub("[0-9]+", lambda number: number[0].lstrip("0").rjust(_LONGEST_NUMBER, "0"), label), label


def in_order(table: Mapping[str, T]) -> dict[str, T]:
    """The table with its labels in order."""
    return {label: table[label] for label in sorted(table, key=place_of)}


def names_in_order(names: Iterable[str]) -> tuple[str, ...]:
    """A list of labels in order, each as often as it was there."""
    return tuple(sorted(names, key=place_of))


def leading_number(label: str) -> float | None:
    """The number with which a label begins, None if with none.

    >>> leading_number("10_most_deprived")
    10.0
    """
    found = re.match("[0-9]+", label)
    return float(found[0]) if found else None


# How a part of a name is written, where it is not as people write it.
_WRITTEN = {
    "ptsd": "PTSD", "ocd": "OCD", "phq9": "PHQ-9", "gad7": "GAD-7", "gbp": "pounds", "qaly": "QALY", "qalys": "QALYs",
    "nhs": "NHS", "sd": "SD", "wte": "posts",
}  # fmt: skip
_NAMES = {
    "internet_guided": "internet-guided",
    "group": "groups",
    "assessor": "assessors",
    "psychological_wellbeing_practitioner": "psychological wellbeing practitioners",
    "high_intensity_therapist": "high-intensity therapists",
    "panic_agoraphobia": "panic or agoraphobia",
    "personality_disorder": "a personality disorder",
    "finished_course_treatment": "people who finish a course",
    "helped_to_recovery": "people helped beyond no service, by questionnaire",
    "helped_to_remission": "people helped beyond no service, by interview",
    "ended_before_treatment": "ended before any treatment",
    "first_contact_days_mean": "days from referral to first contact",
    "second_contact_days_mean": "days from first to second contact",
    "first_contact_within_6_weeks": "first contact within 6 weeks",
    "hepgul_2016": "clients of Hepgul 2016",
    "national_2024_25": "England 2024-25",
}
_PATHS = (
    (r"population\.prevalence\.(\w+)", "share of those referred who have {}"),
    (r"staff\.(\w+)\.wte", "posts of {}"),
    (r"demand\.referrals_per_year", "referrals a year"),
    (r"outcome\.treatment\.(\w+)", "treatment, {}"),
)


def in_words(name: str) -> str:
    """A name as people write it.

    >>> in_words("ptsd"), in_words("low_intensity"), in_words("phq9_mean")
    ('PTSD', 'low intensity', 'PHQ-9 mean')
    """
    return _NAMES.get(name) or re.sub(
        "[A-Za-z0-9]+", lambda word: _WRITTEN.get(word[0], word[0]), name.replace("_", " ").strip()
    )


def path_in_words(path: str) -> str:
    """What a dotted path of a scenario is, in words.

    >>> path_in_words("staff.assessor.wte"), path_in_words("population.prevalence.ptsd.value")
    ('posts of assessors', 'share of those referred who have PTSD')
    >>> path_in_words("pathway.steps.group.size")
    'pathway, steps, groups, size'
    """
    bare = path.removesuffix(".value")
    for pattern, said in _PATHS:
        if found := re.fullmatch(pattern, bare):
            return said.format(*map(in_words, found.groups()))
    return ", ".join(in_words(part) for part in bare.split("."))


def capitalised(text: str) -> str:
    """With a capital first letter, and all others as they are.

    >>> capitalised("share with PTSD")
    'Share with PTSD'
    """
    return text[:1].upper() + text[1:]
