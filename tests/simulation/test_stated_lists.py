"""Lists at opening that a scenario states: as long as stated, with full places, and then as in a queue that grew so long."""

import re
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caseload_sim.definitions.times import days_waited
from caseload_sim.draws.streams import START_IDS, Draws
from caseload_sim.engines.episodes import check_plans
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments.replicate import check_engines, replicate, simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.running_start import Opening, running_start
from caseload_sim.simulation.stated_lists import MORE_IDS, MOST_POOLS, _match
from commands import SMALL_FILE, call_here

Numbers = np.ndarray[Any, Any]
YEARLY = 1500
ASSESSMENT, LOW, HIGH = "assessment", "low_intensity", "high_intensity"


def service(high: float = 1.0, low: float = 1.0, yearly: int = YEARLY, **changes: Any) -> Scenario:
    """National clients and pathway at a seventh of the size; high, low: staff, as a multiple of the fitted."""
    national = get_scenario("national_2024_25")
    share = yearly / national.demand.referrals_per_year.value
    times = {"high_intensity_therapist": high, "psychological_wellbeing_practitioner": low}
    staff = {f"staff.{kind}.wte": one.wte.value * share * times.get(kind, 1) for kind, one in national.staff.items()}
    return national.with_changes({
        **staff, "demand.referrals_per_year": yearly, "run.warm_up_days": 0, "run.data_collection_days": 120,
        "run.follow_up_days": 0, "run.staff_turnover": False, "run.replications": 1, **changes,
    })  # fmt: skip


def stated(scenario: Scenario, lists: Mapping[str, float | Mapping[str, float]], **changes: Any) -> Scenario:
    """The same with lists: a number, or numbers by time waited."""
    waiting = {
        step: {time: {"value": k} for time, k in n.items()} if isinstance(n, Mapping) else {"value": n}
        for step, n in lists.items()
    }
    return scenario.with_changes({"start.waiting": waiting, **changes})


def opened(scenario: Scenario, replication: int = 0) -> Opening:
    opening = running_start(scenario, Draws(scenario.run.seed, replication))
    check_plans(opening.plans)
    return opening


def on_list(opening: Opening, step: str) -> Numbers:
    """Rows of those who wait for a step."""
    plans, s = opening.plans, opening.start_of.steps.index(step)
    here = (plans.joins_day < 0) & (plans.started_day == NOT_YET) & (plans.step[plans.first] == s)
    return np.flatnonzero(here)


def holds(opening: Opening, step: str) -> Numbers:
    """Rows of those who hold a place."""
    plans, s = opening.plans, opening.start_of.steps.index(step)
    return np.flatnonzero((plans.started_day != NOT_YET) & (plans.step[plans.first] == s))


def waited(opening: Opening, step: str) -> Numbers:
    return -opening.plans.joins_day[on_list(opening, step)]


# --- how many -------------------------------------------------------------------------------------------------------

SHORT_OF_STAFF: dict[str, Any] = {"high": 0.6, "low": 0.75}
LISTS: list[dict[str, float | Mapping[str, float]]] = [
    {HIGH: 40}, {HIGH: 0, LOW: 0, ASSESSMENT: 0}, {HIGH: 180, LOW: 30, ASSESSMENT: 25}, {"group": 7, "internet_guided": 3, HIGH: 9},
    {HIGH: {"under_28_days": 12, "28_to_90_days": 20, "over_90_days": 30}, LOW: 11},
    {HIGH: {"0_to_4_weeks": 6, "29_to_60_days": 0}, ASSESSMENT: {"under_8_days": 9, "8_to_30_days": 3}},
]  # fmt: skip


@pytest.mark.parametrize("staff", [{}, SHORT_OF_STAFF], ids=["enough staff", "too few"])
@pytest.mark.parametrize("lists", LISTS, ids=lambda lists: " ".join(f"{step}" for step in lists))
def test_every_list_is_as_long_as_stated_and_whoever_held_a_place_holds_it(
    staff: dict[str, Any], lists: Mapping[str, float | Mapping[str, float]]
) -> None:
    plain = service(**staff)
    for replication in range(2):
        before, after = opened(plain, replication), opened(stated(plain, lists), replication)
        for step in plain.steps:
            if step not in lists:
                expected: float = len(on_list(before, step))
            else:
                n = lists[step]
                expected = sum(n.values()) if isinstance(n, Mapping) else n
            assert len(on_list(after, step)) == expected, step
            held = set(before.clients.id[holds(before, step)].tolist())
            assert held <= set(after.clients.id[holds(after, step)].tolist())
        booked = before.clients.id[before.plans.joins_day >= 0]
        assert np.array_equal(booked, after.clients.id[after.plans.joins_day >= 0]), "who is booked ahead is on no list"
        assert len(np.unique(after.clients.id)) == len(after.clients.id)
        assert np.all(after.clients.id < MORE_IDS + MOST_POOLS * 2**36)


def test_time_waited_is_as_stated_and_counts_from_where_it_is_said_to() -> None:
    parts = {"under_28_days": 12, "29_to_90_days": 20, "over_90_days": 30}
    for since in ("joining_the_list", "referral"):
        opening = opened(stated(service(**SHORT_OF_STAFF), {HIGH: parts}, **{"start.waited_since": since}))
        who = on_list(opening, HIGH)
        joined = opening.plans.joins_day[who]
        days = -(opening.clients.referral_day[who] if since == "referral" else joined)
        assert np.all(days >= -joined)
        assert [int(np.sum(days < 28)), int(np.sum((days > 28) & (days <= 90))), int(np.sum(days > 90))] == [12, 20, 30]
        assert not np.any(days == 28), "of whom nothing is said, so that nobody has waited so long"


def test_a_shorter_list_is_that_of_the_latest_and_a_longer_one_reaches_further_back() -> None:
    plain = service(**SHORT_OF_STAFF)
    natural = waited(opened(plain), HIGH)
    short, long = (waited(opened(stated(plain, {HIGH: n})), HIGH) for n in (len(natural) // 2, 2 * len(natural)))
    assert np.array_equal(np.sort(short), np.sort(natural)[: len(natural) // 2])
    assert np.quantile(long, 0.9) > np.quantile(natural, 0.9) + 60
    added = np.setdiff1d(np.unique(long), np.unique(natural))
    assert np.mean(added > natural.max() - 7) > 0.9, "queues are first come, first served"


def test_where_times_are_stated_lots_decide_who_of_them_stays() -> None:
    """Half of those who have waited for over 90 days are taken off: not the longest waiting, nor the latest."""
    plain = service(**SHORT_OF_STAFF)
    natural = np.sort(waited(opened(plain), HIGH))
    long = natural[natural > 90]
    half = len(long) // 2
    left = waited(opened(stated(plain, {HIGH: {"over_90_days": half}})), HIGH)
    assert len(left) == half > 20
    assert left.min() < long[half // 2]
    assert left.max() > long[-half // 2]


def test_one_more_on_a_list_leaves_everybody_else_as_they_were() -> None:
    """The draws of a client are the client's own: of a list of 61 and one of 60 all but one are the same people."""
    plain = service()
    few, more = (opened(stated(plain, {HIGH: n})) for n in (60, 61))
    assert len(np.setdiff1d(few.clients.id, more.clients.id)) <= 1
    same, ours, theirs = np.intersect1d(few.clients.id, more.clients.id, return_indices=True)
    assert len(same) >= len(few.clients.id) - 1
    assert np.array_equal(few.clients.severity[ours], more.clients.severity[theirs])
    assert np.array_equal(few.plans.joins_day[ours], more.plans.joins_day[theirs])


# --- a list that grew -----------------------------------------------------------------------------------------------

GROWN_OVER = 500
WEEKS = 13


def by_week(simulation: Simulation, step: str, first: int) -> tuple[Numbers, Numbers, Numbers]:
    """Share of the staffed places that are held, the list, and starts, in each week from a day on."""
    s, e = simulation.scenario.steps.index(step), simulation.episodes
    held, waiting = simulation.daily
    days = first + 7 * np.arange(WEEKS)
    starts = [np.sum((e.step == s) & (e.started_day >= day) & (e.started_day < day + 7)) for day in days]
    return held[days, s] / simulation.capacity.counted[days, s], waiting[days, s], np.array(starts)


def test_a_stated_list_goes_on_as_the_queue_that_grew_to_it() -> None:
    """A service opens empty with too few staff; its lists grow for 500 days and are then stated in a copy that opens that day.

    Places held: at least 98% in both, from the first day on. The list, in the mean of the services: within 4 standard errors
    of the difference in each week, whose width is that of what comes by chance (referrals, giving up, courses ended), and a
    tenth of the list at most. Starts over 13 weeks, and waits of those who start, likewise.
    """
    gaps, starts, waits = [], [], []
    for replication in range(6):
        grows = service(0.6, 0.75, 3000, **{"run.warm_up_days": GROWN_OVER, "start.running": False})
        grown = simulate(grows, replication=replication)
        lists = dict(zip(grows.steps, grown.daily[1][GROWN_OVER - 1].tolist(), strict=True))
        assert lists[HIGH] > 100
        today: Any = {"run.opens": grows.run.opens + timedelta(days=GROWN_OVER)}
        copy = simulate(stated(service(0.6, 0.75, 3000, **today), lists), replication=replication)
        for step in (LOW, HIGH):
            share, _, _ = by_week(grown, step, GROWN_OVER)
            share_then, _, _ = by_week(copy, step, 0)
            assert share.min() >= 0.98
            assert share_then.min() >= 0.98
        (_, list_1, starts_1), (_, list_2, starts_2) = by_week(grown, HIGH, GROWN_OVER), by_week(copy, HIGH, 0)
        gaps.append((list_2 - list_1) / lists[HIGH])
        starts.append((starts_1.sum(), starts_2.sum()))
        waits.append([wait_of_those_who_start(one, day) for one, day in ((grown, GROWN_OVER), (copy, 0))])
    gap = np.array(gaps)
    error = gap.std(axis=0, ddof=1) / np.sqrt(len(gap))
    assert np.all(np.abs(gap.mean(axis=0)) < np.maximum(4 * error, 0.02))
    assert np.all(4 * error < 0.2)
    assert abs(gap[:, 0].mean()) < 0.05
    first, second = np.array(starts).sum(axis=0)
    assert second == pytest.approx(first, abs=4 * np.sqrt(first + second))
    assert np.array(waits)[:, 1].mean() == pytest.approx(np.array(waits)[:, 0].mean(), rel=0.1)


def wait_of_those_who_start(simulation: Simulation, first: int) -> float:
    """Mean days on the list of high intensity of those who start in the first 60 days from one on."""
    e, s = simulation.episodes, simulation.scenario.steps.index(HIGH)
    those = (e.step == s) & (e.started_day >= first) & (e.started_day < first + 60)
    return float((e.started_day - e.joined_day)[those].mean())


def test_a_list_means_full_places_whose_holders_are_in_the_middle_of_their_courses() -> None:
    """With half as many staff again, places stand idle; where a list is stated they do not, and courses end one by one."""
    plain = service(high=1.5)
    with_list = stated(plain, {HIGH: 60})
    s = plain.steps.index(HIGH)
    idle, full = simulate(plain), simulate(with_list)
    staffed = full.capacity.counted[0, s]
    assert idle.daily[0][0, s] < 0.9 * staffed
    assert full.daily[0][:21, s].min() >= 0.95 * staffed
    plans = opened(with_list).plans
    held = holds(opened(with_list), HIGH)
    days = plans.course_days[plans.first[held]]
    done = -plans.started_day[held] / days
    assert np.quantile(done, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.12)
    others = opened(plain)
    for step in (LOW, "group", ASSESSMENT):
        assert len(holds(opened(with_list), step)) == len(holds(others, step)), "no list is stated there"
    none = opened(stated(plain, {HIGH: 0}))
    assert len(holds(none, HIGH)) == len(holds(others, HIGH)), "nobody waits, so places may be idle"


def test_those_added_have_a_past_like_all_others() -> None:
    opening = opened(stated(service(), {HIGH: 120}))
    added = opening.clients.id >= MORE_IDS
    who = np.intersect1d(on_list(opening, HIGH), np.flatnonzero(added))
    assert len(who) > 50
    past = opening.history
    assert set(who.tolist()) <= set(past.client[past.step == 0].tolist()), "all were assessed"
    last = dict(zip(past.client.tolist(), past.ended_day.tolist(), strict=True))
    assert all(last[row] == opening.plans.joins_day[row] for row in who.tolist())
    assert np.all(opening.clients.referral_day[who] < opening.plans.joins_day[who])
    assert np.all(opening.clients.id >= START_IDS)


@pytest.mark.parametrize("more", [{}, {"providers": {"number": 2, "staff_log_sd": {"value": 0.3, "assumption": "x"}}}])
def test_both_engines_agree_on_stated_lists(more: dict[str, Any]) -> None:
    scenario = stated(service(), {HIGH: {"under_28_days": 10, "29_to_90_days": 15}, LOW: 20}, **more)
    kernel, reference = (simulate(scenario, engine=engine) for engine in ("kernel", "reference"))
    assert kernel.digests == reference.digests
    if not more:
        stays, difference = check_engines(scenario)
        assert stays > 500
        assert difference is None
    assert len(replicate(scenario).rows) > 100


# --- what cannot be -------------------------------------------------------------------------------------------------


def test_a_list_that_patience_would_have_emptied_is_refused_with_the_longest_there_can_be() -> None:
    plain = service()
    with pytest.raises(
        RunError, match=r"start\.waiting\.high_intensity says that 5,000 wait; at most about [\d,]+ can\."
    ) as refused:
        opened(stated(plain, {HIGH: 5000}))
    found = re.search(r"at most about ([\d,]+) can", str(refused.value))
    assert found
    longest = int(found[1].replace(",", ""))
    assert "had nobody been served" in str(refused.value)
    assert len(on_list(opened(stated(plain, {HIGH: longest})), HIGH)) == longest
    none_served = opened(service(high=0))
    assert longest == pytest.approx(len(on_list(none_served, HIGH)), rel=0.1), (
        "the queue of a service without therapists"
    )
    with pytest.raises(RunError, match=r"says that [\d,]+ wait; at most about"):
        opened(stated(plain, {HIGH: longest + 5 * np.ceil(np.sqrt(longest))}))


def test_long_waits_of_people_without_patience_are_refused_by_their_part_of_the_list() -> None:
    plain = service(**{f"pathway.steps.{HIGH}.patience_mean_days": 5})
    with pytest.raises(
        RunError,
        match=r"start\.waiting\.high_intensity\.over_90_days says that 60 have waited so long; at most about \d+ can\.",
    ):
        opened(stated(plain, {HIGH: {"under_28_days": 5, "over_90_days": 60}}))
    with pytest.raises(RunError, match=r"over_800_days says that 5 have waited so long; at most about 0 can\."):
        opened(stated(service(), {HIGH: {"over_800_days": 5}}))


def test_parts_may_be_longer_than_those_of_the_model_but_not_the_whole_list() -> None:
    """What comes to a step differs between services, and from month to month; what patience leaves in all does not so much."""
    plain = service()
    lately = int(np.sum(waited(opened(stated(plain, {HIGH: 150})), HIGH) < 28))
    assert lately > 10
    assert len(on_list(opened(stated(plain, {HIGH: {"under_28_days": 1.9 * lately}})), HIGH)) == round(1.9 * lately)
    with pytest.raises(
        RunError, match=r"under_28_days says that \d+ have waited so long; .* twice as many may be stated"
    ):
        opened(stated(plain, {HIGH: {"under_28_days": 4 * lately}}))
    with pytest.raises(RunError, match=r"start\.waiting\.high_intensity says that 560 wait; at most about"):
        opened(stated(plain, {HIGH: {"under_91_days": 100, "91_to_365_days": 360, "over_365_days": 100}}))


def test_where_nobody_is_referred_nobody_can_wait() -> None:
    with pytest.raises(RunError, match=r"says that 5 wait; at most about 0 can"):
        opened(stated(service(), {HIGH: 5}, **{"demand.referrals_per_year": 0}))


@pytest.mark.parametrize("providers", [False, True])
def test_validate_refuses_what_run_would_refuse(providers: bool, tmp_path: Path) -> None:
    text = '[start.waiting]\nhigh_intensity = { value = 90, assumption = "x" }\n'
    if providers:
        text += '[providers]\nnumber = 2\nstaff_log_sd = { value = 0.1, assumption = "x" }\n'
    (tmp_path / "mine.toml").write_text(SMALL_FILE + text, encoding="utf-8")
    done = call_here("validate", "mine.toml", folder=tmp_path)
    assert done.returncode == 0
    (tmp_path / "mine.toml").write_text(SMALL_FILE + text.replace("90", "9000"), encoding="utf-8")
    for words in (("validate", "mine.toml"), ("run", "mine.toml", "--replications", "1", "--no-figures")):
        done = call_here(*words, folder=tmp_path)
        assert done.returncode == 2
        assert "RunError: mine: start.waiting.high_intensity says that 9,000 wait; at most about" in done.stderr


FAULTS = {
    "a number and times": (
        "[start.waiting.high_intensity]\nvalue = 9\nassumption = 'x'\nover_90_days = { value = 9, assumption = 'x' }",
        "mine.toml:5: start.waiting.high_intensity.over_90_days: not a known key.",
    ),
    "a number as text": ("[start.waiting]\nhigh_intensity = '9'", "mine.toml:3: start.waiting.high_intensity: '9' is not allowed here; it must be a table."),
    "fewer than none": (
        "[start.waiting]\nhigh_intensity = { value = -1, assumption = 'x' }",
        "mine.toml:3: start.waiting.high_intensity.value: -1 is out of range; it must be at least 0.",
    ),
    "fewer than none of a time": (
        "[start.waiting.high_intensity]\nover_90_days = { value = -1, assumption = 'x' }",
        "mine.toml:3: start.waiting.high_intensity.over_90_days.value: -1 is out of range; it must be at least 0.",
    ),
    "no time": (
        "[start.waiting.high_intensity]\nlong = { value = 9, assumption = 'x' }",
        "mine.toml:3: start.waiting.high_intensity.long: 'long' is no time waited; write it as under_28_days, up_to_4_weeks,",
    ),
    "an overlap": (
        "[start.waiting.high_intensity]\n0_to_2_weeks = { value = 9, assumption = 'x' }\n0_to_4_weeks = { value = 9, assumption = 'x' }",
        "mine.toml:4: start.waiting.high_intensity.0_to_4_weeks: overlaps with start.waiting.high_intensity.0_to_2_weeks. Count everybody once",
    ),
    "after the last": (
        "[start.waiting.high_intensity]\nover_90_days = { value = 9, assumption = 'x' }\n91_to_120_days = { value = 9, assumption = 'x' }",
        "start.waiting.high_intensity.over_90_days: overlaps with start.waiting.high_intensity.91_to_120_days.",
    ),
    "backwards": (
        "[start.waiting.high_intensity]\n90_to_29_days = { value = 9, assumption = 'x' }",
        "'90_to_29_days' ends before it begins; give the shorter time first.",
    ),
    "no step": (
        "[start.waiting.high_intensty]\nover_90_days = { value = 9, assumption = 'x' }",
        "start.waiting.high_intensty: 'high_intensty' is not a known step. Did you mean 'high_intensity'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(FAULTS))
def test_what_is_no_list_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    text, message = FAULTS[case]
    file = tmp_path / "mine.toml"
    file.write_text(f'extends = "national_2024_25"\n{text}\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(message)):
        load_scenario(file)


def test_times_waited_are_read_as_they_are_published() -> None:
    assert [days_waited(label) for label in ("under_28_days", "29_to_56_days", "over_90_days")] == [
        (0, 27), (29, 56), (91, None),
    ]  # fmt: skip
    weeks = ("up_to_2_weeks", "2_to_4_weeks", "4_to_18_weeks", "over_18_weeks")
    days = [days_waited(label) for label in weeks]
    assert days == [(0, 14), (15, 28), (29, 126), (127, None)]
    assert all(one[1] + 1 == other[0] for one, other in pairwise(days) if one[1] is not None)


def test_pairs_are_of_the_next_longer_wait_and_nobody_is_in_two() -> None:
    wanted, there = np.array([3, 3, 5, 9, 20]), np.array([1, 3, 4, 4, 10, 11])
    matched, found = _match(wanted, there, anybody=False)
    assert [(int(wanted[i]), int(there[j])) for i, j in zip(matched, found, strict=True)] == [
        (3, 3),
        (3, 4),
        (5, 10),
        (9, 11),
    ]
    matched, found = _match(wanted, there, anybody=True)
    assert sorted(matched.tolist()) == [0, 1, 2, 3, 4]
    assert len(set(found.tolist())) == 5
    assert there[found[-1]] == 4, "the longest that is left over"
