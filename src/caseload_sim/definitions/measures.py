"""What is reported: every measure with its numerator, denominator, definition and source."""

from collections.abc import Iterable
from dataclasses import dataclass

from caseload_sim.errors import RunError, did_you_mean

UNIT = "GBP"
_MONEY = (
    "what referrals ended in the period cost, of the base: all of them (referred), those with a first contact (started), "
    "those with two or more (finished)"
)
_NOT_FITTED = "definition of this model; prices and their sources are in [costs] of the scenario"
_EVENTS = (
    ("finished_course", "Finished course (two or more contacts)", "finished courses"),
    ("recovery", "Official recovery, by questionnaire", "recoveries, as for recovery"),
    ("principal_remission", "Remission of the principal disorder, by interview", "clients of the ladder so remitted"),
    ("all_remission", "Remission of all starting disorders, by interview", "clients of the ladder so remitted"),
    ("full_remission", "Remission of all starting disorders, all clearly below threshold, by interview", "clients of the ladder so remitted"),
)  # fmt: skip

# name, unit, definition, numerator, denominator, source
COST_MEASURES: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "cost_per_referral",
        UNIT,
        "Pounds per referral ended in the period, those never seen included, at the prices of costs.report_year.",
        _MONEY,
        "referrals ended in the period",
        _NOT_FITTED,
    ),
    *(
        (
            f"cost_per_{name}",
            UNIT,
            f"Pounds per: {words}. All that the clients of the base cost, also those who did not get so far, over those who did.",
            _MONEY,
            f"{counted}, among referrals of the base ended in the period",
            _NOT_FITTED,
        )
        for name, words, counted in _EVENTS
    ),
    *(
        (
            f"cost_per_extra_{name}",
            UNIT,
            f"Pounds per additional: {words}. Over what the same clients reach untreated; without a value where the service "
            "adds none, and a mean over replications that have one. Near no difference it is large and says little.",
            _MONEY,
            f"{counted}, less the same count untreated, among referrals of the base ended in the period",
            _NOT_FITTED,
        )
        for name, words, counted in _EVENTS[1:]
    ),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity that is reported, in words; `unit` is "share", "days", "contacts", "clients", "referrals" or "GBP"."""

    name: str
    unit: str
    definition: str
    numerator: str
    denominator: str
    source: str = "definition of this model"


_NHS = "nhstt_manual, nhse2025 (names as in the published data)"
_LADDER = (
    "clients referred in the data collection period whose referral is over, with at least one emotional disorder at the "
    "start interview and at caseness at first contact (at referral if never seen); by base: all of them (referred), "
    "those with a first contact (started), those with two or more (finished)"
)
_ENDED = "referrals ended in the period"
_COURSES = "courses of two or more sessions ended in the period"

MEASURES = (
    Measure("referrals_received", "referrals", "Referrals in the data collection period.", "referrals", "", _NHS),
    Measure(
        "finished_course_treatment",
        "referrals",
        "Referrals ended in the period with two or more attended contacts.",
        "referrals",
        "",
        _NHS,
    ),
    Measure(
        "at_caseness",
        "share",
        "At caseness (PHQ-9 >= 10 or GAD-7 >= 8) at first contact.",
        "at caseness",
        "finished a course, ended in the period",
        _NHS,
    ),
    Measure(
        "recovery",
        "share",
        "Official recovery: at caseness at first contact, below both cut-offs at last contact. A questionnaire figure.",
        "below both cut-offs at the last of two or more contacts",
        "at caseness at first contact; finished: ended in the period with two or more contacts; started and referred: referred in the period (never seen: caseness at referral), without two contacts counted as not recovered, with the service and without",
        _NHS,
    ),
    Measure(
        "reliable_recovery",
        "share",
        "Recovery with reliable improvement (PHQ-9 down 6 or GAD-7 down 4, neither up as much).",
        "recovered and reliably improved",
        "as for recovery",
        _NHS,
    ),
    Measure(
        "improvement",
        "share",
        "Reliable improvement: PHQ-9 down 6 or GAD-7 down 4, neither up as much.",
        "reliably improved",
        "finished a course, ended in the period",
        _NHS,
    ),
    Measure(
        "no_reliable_change",
        "share",
        "Neither reliable improvement nor reliable deterioration.",
        "neither",
        "finished a course, ended in the period",
        _NHS,
    ),
    Measure(
        "deterioration",
        "share",
        "Reliable deterioration: PHQ-9 up 6 or GAD-7 up 4, neither down as much.",
        "reliably deteriorated",
        "finished a course, ended in the period",
        _NHS,
    ),
    Measure(
        "principal_remission",
        "share",
        "Remission, rung 2: the most severe starting disorder is absent at interview. Dependence and personality disorder have no remission in this model.",
        "principal disorder absent",
        _LADDER,
    ),
    Measure(
        "all_remission",
        "share",
        "Remission, rung 3: all starting emotional disorders are absent at interview. Dependence and personality disorder have no remission in this model.",
        "all starting disorders absent",
        _LADDER,
    ),
    Measure(
        "full_remission",
        "share",
        "Remission, rung 4: all starting emotional disorders are clearly below threshold at interview. Dependence and personality disorder have no remission in this model.",
        "all clearly below threshold",
        _LADDER,
    ),
    Measure(
        "disorder_remission",
        "share",
        "Remission of one disorder: present at the start interview, absent at the last; the group names it.",
        "the disorder absent at interview",
        f"{_LADDER}; those with the disorder at the start interview",
    ),
    Measure(
        "recovered_still_diagnosed",
        "share",
        "Officially recovered, yet a starting disorder is still present at interview.",
        "a starting disorder present at the end",
        "finishers of the ladder's clients who count as recovered",
    ),
    Measure(
        "not_recovered_no_diagnosis",
        "share",
        "Not officially recovered, yet no starting disorder is present at interview.",
        "no starting disorder present at the end",
        "finishers of the ladder's clients who do not count as recovered",
    ),
    Measure(
        "ended_before_treatment",
        "share",
        "Referrals ended without any attended contact.",
        "no contact",
        "referrals ended in the period",
        _NHS,
    ),
    Measure(
        "ended_after_one_contact",
        "share",
        "Referrals ended after exactly one attended contact.",
        "one contact",
        "referrals ended in the period",
        _NHS,
    ),
    Measure(
        "ended_after_finishing",
        "share",
        "Referrals ended after two or more attended contacts.",
        "two or more contacts",
        "referrals ended in the period",
        _NHS,
    ),
    Measure(
        "not_suitable",
        "share",
        "Found unsuitable, before any contact or at assessment.",
        "not suitable",
        "referrals ended in the period",
    ),
    Measure("not_assessed", "share", "Never came to an assessment.", "not assessed", "referrals ended in the period"),
    Measure(
        "incomplete_assessment",
        "share",
        "Left at assessment before it was complete.",
        "left at assessment",
        "referrals ended in the period",
    ),
    Measure(
        "declined",
        "share",
        "Declined before a first contact, or declined treatment at assessment.",
        "declined",
        "referrals ended in the period",
    ),
    Measure(
        "discharged_with_advice",
        "share",
        "Discharged at assessment with advice or sent elsewhere.",
        "advice",
        "referrals ended in the period",
    ),
    Measure("gave_up", "share", "Left a waiting list.", "gave up waiting", "referrals ended in the period"),
    Measure(
        "dropped_out",
        "share",
        "Left during a course before its planned end.",
        "dropped out",
        "referrals ended in the period",
    ),
    *(
        Measure(f"reason_{name}", "share", f"Recorded reason for ending: {words}.", words, _ENDED, _NHS)
        for name, words in (
            ("not_suitable", "not suitable, signposted or not"),
            ("declined", "suitable but declined treatment"),
            ("not_assessed", "not assessed"),
            ("incomplete_assessment", "dropped out of assessment"),
            ("advice_or_elsewhere", "advice and support, or another service"),
            ("mutually_agreed", "mutually agreed completion of treatment"),
            ("unplanned", "ended earlier than the care professional planned"),
            ("other", "any other, or none recorded (advice, another service, incomplete assessment)"),
        )
    ),
    Measure(
        "low_intensity_first",
        "share",
        "First course at the first treatment step of the pathway, or a step beside it.",
        "first course at the first treatment step",
        "finished a course, ended in the period, with a treatment course",
    ),
    Measure(
        "stepped_up",
        "share",
        "Began a course at a second step.",
        "a second step",
        "finished a course, ended in the period, first course at the first treatment step",
    ),
    Measure(
        "stepped_down",
        "share",
        "Began a second course at a lower step.",
        "a lower step after the first",
        "finished a course, ended in the period, first course at another than the first treatment step",
    ),
    Measure(
        "unfinished",
        "share",
        "Referred in the period, referral not over by the horizon; left out of the ladder.",
        "not over",
        "referrals in the period",
    ),
    Measure(
        "share_of_clients",
        "share",
        "Who is referred: true state, before any contact.",
        "in the group",
        "referrals in the period",
    ),
    Measure(
        "share_at_interview",
        "share",
        "Who has the disorder at the start interview, which errs a little.",
        "present at interview",
        "referrals in the period",
    ),
    Measure(
        "right_target", "share", "The recorded problem is the most severe disorder.", "right", "referrals in the period"
    ),
    Measure(
        "first_phq9_mean",
        "points",
        "PHQ-9 at first contact, mean.",
        "points",
        "first contact by those whose referral ended in the period with two or more",
    ),
    Measure(
        "first_gad7_mean",
        "points",
        "GAD-7 at first contact, mean.",
        "points",
        "first contact by those whose referral ended in the period with two or more",
    ),
    Measure("last_phq9_mean", "points", "PHQ-9 at last contact, mean.", "points", "as for first_phq9_mean"),
    Measure("last_gad7_mean", "points", "GAD-7 at last contact, mean.", "points", "as for first_gad7_mean"),
    *(
        Measure(
            f"course_{when}_{name.lower().replace('-', '')}_{what}",
            "points",
            f"{name} at the {which} of a therapy course, {what.replace('sd', 'standard deviation')}.",
            "points",
            _COURSES,
            _NHS,
        )
        for when, which in (("first", "start"), ("last", "last session"))
        for name in ("PHQ-9", "GAD-7")
        for what in ("mean", "sd")
    ),
    Measure(
        "course_at_caseness",
        "share",
        "At caseness at the start of a therapy course (the first contact, for a client's first course); not the figure per finished referral.",
        "at caseness",
        _COURSES,
        _NHS,
    ),
    Measure(
        "course_recovery",
        "share",
        "Below both cut-offs at the last session of a therapy course; not the figure per finished referral.",
        "below both cut-offs at the last session",
        f"{_COURSES}, at caseness at its first session",
        _NHS,
    ),
    Measure(
        "first_contact_days_mean", "days", "Referral to first contact, mean.", "days", "first contacts in the period"
    ),
    Measure(
        "first_contact_days_median", "days", "Referral to first contact, median.", "", "first contacts in the period"
    ),
    Measure(
        "first_contact_days_90th_percentile",
        "days",
        "Referral to first contact: nine in ten waited no longer.",
        "",
        "first contacts in the period",
    ),
    Measure(
        "first_contact_within_28_days",
        "share",
        "First contact within 28 days of referral.",
        "within 28 days",
        "first contacts in the period",
        _NHS,
    ),
    Measure(
        "first_contact_within_6_weeks",
        "share",
        "First contact within 42 days of referral (6-week standard).",
        "within 42 days",
        "first contacts in the period",
        _NHS,
    ),
    Measure(
        "first_contact_within_18_weeks",
        "share",
        "First contact within 126 days of referral (18-week standard).",
        "within 126 days",
        "first contacts in the period",
        _NHS,
    ),
    Measure(
        "second_contact_days_mean",
        "days",
        "First to second contact, mean: the wait that the 6-week standard does not see.",
        "days",
        "second contacts in the period",
    ),
    Measure(
        "second_contact_days_median", "days", "First to second contact, median.", "", "second contacts in the period"
    ),
    Measure(
        "second_contact_days_90th_percentile",
        "days",
        "First to second contact: nine in ten waited no longer.",
        "",
        "second contacts in the period",
    ),
    Measure(
        "second_contact_over_28_days",
        "share",
        "First to second contact longer than 28 days.",
        "over 28 days",
        "second contacts in the period",
        _NHS,
    ),
    Measure(
        "second_contact_over_90_days",
        "share",
        "First to second contact longer than 90 days.",
        "over 90 days",
        "second contacts in the period",
        _NHS,
    ),
    Measure(
        "treatment_wait_days_mean",
        "days",
        "First contact to first session of treatment, mean, by intensity of the first course.",
        "days",
        "second contacts in the period",
    ),
    Measure(
        "step_up_wait_days_mean",
        "days",
        "Last session below to first session above, mean, of those stepped up.",
        "days",
        "referrals ended in the period with a step-up",
        _NHS,
    ),
    Measure(
        "wait_days_mean",
        "days",
        "Joining a step's waiting list to starting there, mean over those who started.",
        "days",
        "starts in the period",
    ),
    Measure(
        "wait_days_median",
        "days",
        "Joining a step's waiting list to starting there, median over those who started.",
        "",
        "starts in the period",
    ),
    Measure(
        "wait_days_90th_percentile",
        "days",
        "Joining a step's waiting list to starting there: nine in ten who started waited no longer.",
        "",
        "starts in the period",
    ),
    Measure(
        "contacts_mean",
        "contacts",
        "Attended contacts; by step: treatment sessions of those with any there.",
        "contacts",
        "finished a course, ended in the period",
    ),
    Measure(
        "coded_contacts_mean",
        "contacts",
        "Contacts coded low or high intensity, mean of those with any; some assessments are coded low intensity.",
        "contacts so coded",
        "finished a course, ended in the period, with any such contact",
        _NHS,
    ),
    Measure("contacts_median", "contacts", "Attended contacts, median.", "", "finished a course, ended in the period"),
    Measure(
        "days_between_contacts_mean",
        "days",
        "Days between attended sessions of a course, mean.",
        "days",
        "gaps between sessions of courses ended in the period",
        _NHS,
    ),
    *(
        Measure(
            name, "share", f"Booked contacts {words}.", words, "contacts booked, referrals ended in the period", _NHS
        )
        for name, words in (
            ("not_attended", "not attended, without word (DNA)"),
            ("client_cancelled", "cancelled by the client"),
            ("provider_cancelled", "cancelled by the provider"),
        )
    ),
    Measure(
        "missed_contacts",
        "share",
        "Booked contacts missed or cancelled.",
        "missed or cancelled",
        "contacts booked, referrals ended in the period",
        _NHS,
    ),
    Measure(
        "utilisation",
        "share",
        "Places held of places open, mean over the period; above 1 when capacity fell.",
        "place-days held",
        "place-days open in the period",
    ),
    Measure(
        "waiting_list",
        "clients",
        "Clients on a step's waiting list at the end of a day, mean over the period.",
        "client-days",
        "days in the period",
    ),
    Measure(
        "waiting_list_growth",
        "clients a week",
        "How fast a step's waiting list grows (falls, if negative): slope of a straight line through the period.",
        "",
        "days in the period",
    ),
    *(Measure(*row) for row in COST_MEASURES),
)


_BY_NAME = {measure.name: measure for measure in MEASURES}


def definition(name: str) -> Measure:
    """The measure of that name."""
    return _BY_NAME[name]


def check_measures(names: Iterable[str]) -> None:
    """Raises RunError for a name that no measure has."""
    for name in names:
        if name not in _BY_NAME:
            raise RunError(
                f"{name}: no such measure. {did_you_mean(name, _BY_NAME)} `caseload-sim list measures` shows all."
            )
