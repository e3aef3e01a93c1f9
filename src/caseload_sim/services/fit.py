"""What is not published of a service, fitted to what is: first as if nobody waited, then with waits as published.

How long clients wait decides how many give up, and how many of each kind are seen. So shares, contacts and missed contacts
depend on posts as much as on the numbers that stand for them, and all at once are hard to find from far away. Two things make
it easy. Where there are places for everybody, each figure answers to its own number and to few others, so that all of them are
met in two steps (Newton), and the places then held say how many posts are needed. And at waits held where they are published,
they still do: so after every further step posts are moved until waits are met again, each by itself, since more posts always
mean shorter waits.

Posts are filled for good while this is done, since chance in who leaves would move waits by ten days; what comes out is
divided by the share of posts that is filled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from caseload_sim.analysis.calibrate_service import moved
from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.analysis.validate_model import tolerance_of
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments.replicate import Summary, summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.measures.rows import row_of
from caseload_sim.measures.simulation import low_steps
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.levers import (
    MOST_REFERRALS,
    SMALLEST,
    Lever,
    Posts,
    are_posts,
    assessors_of,
    days_waited,
    filled_share,
    near_enough,
    posts_of,
    share_for_a_fit,
    times,
    trial_of,
    utilisation,
)  # fmt: skip
from caseload_sim.services.published import Published
from caseload_sim.services.scenario_file import usable_year
from caseload_sim.services.targets import targets_of
from caseload_sim.support.columns import Floats

FEW_REFERRALS = 3_000.0  # where nobody waits, chance is small
PLENTY = 3.0  # times the posts as in the parent: nobody waits
STEPS_WITHOUT_WAITS, STEPS_WITH_WAITS, TRIES = 2, 5, 3
NUDGE, LONGEST_STEP, MOST_MOVED, DAMPING = 0.2, 1.0, 3.0, 0.1  # in logits and logs
FIRST_GUESS_DAYS, FEWEST_DAYS, MOST_DAYS = 600.0, 150.0, 2500.0  # by which a wait falls for each log of posts
MOST_POSTS_STEP = 0.35  # in logs
IDLE = 0.97  # of places used: below it nobody waits, and the wait says nothing of how many posts there are
NEAR_ENOUGH = 0.5  # of a tolerance
MOST_OF_A_WAIT = (
    0.6  # the part of a published wait that may be the days from the offer of a place until a client can come
)
LAG_PER_SHARE = 4.0  # by how many logs of those days a share over 28 days falls
USED_BY_ASSESSMENTS = (
    0.85  # of the time of assessors, as in national_2024_25: so nearly all of the first wait is for a booking
)
MOST_MISSES = 5.0  # tolerances, beyond which a figure that cannot be met does not pull harder
MORE_POSTS, MOST_TIMES_MORE = 0.3, 10  # in logs, where posts are too few for a single place


def fit_service(scenario: Scenario, **how: Unpack[RunKeywords]) -> ServiceFit:
    """Fit what `fitted_by` names, on a service of at most 10,000 referrals with staff in proportion.

    scenario: loaded from `service_text` without a fit, or one with such official figures
    how: the keywords of `RunOptions`, see `replicate`; progress: called with (runs done, runs at most)
    Raises RunError when nothing is to be fitted or nobody is counted.
    """
    fitting = _Fitting(scenario, RunOptions(**how))
    fitting.as_if_nobody_waited()
    fitting.with_waits()
    return fitting.found()


def work_of_fit(published: Published, code: str, parent: Scenario) -> tuple[Scenario, int]:
    """A scenario as large as those that `fit_service` runs, and how many runs it takes at most. Raises as `service_text`."""
    year = usable_year(published, published.provider(code))
    referrals = min(year.of_twelve_months("referrals_received"), MOST_REFERRALS)
    moves = [one.target.moves for one in targets_of(published, year, parent) if one.target.moves]
    return parent.with_changes({"demand.referrals_per_year": referrals}), _runs_at_most(moves)


def _runs_at_most(moves: Sequence[Sequence[str]]) -> int:
    """How many runs a fit takes at most; moves: the paths that are moved to meet each figure."""
    n_levers = sum(not are_posts(paths) for paths in moves)
    return 2 + n_levers + STEPS_WITHOUT_WAITS + TRIES * (1 + STEPS_WITH_WAITS)


class _Fitting:
    """Where a fit has come to: every number that is moved, and the best run so far."""

    def __init__(self, scenario: Scenario, options: RunOptions) -> None:
        self.scenario, self.options, self.trial = scenario, options, trial_of(scenario)
        self.fitted = {name: one for name, one in scenario.official.items() if one.fitted_by}
        if not self.fitted:
            raise RunError(
                f"{scenario.name}: no official figure says what is `fitted_by` it, so there is nothing to fit."
            )
        known = {path: number for path, number, _ in numbers(self.trial)}
        levers = [
            Lever(name, one, {path: known[path] for path in one.fitted_by})
            for name, one in self.fitted.items()
            if not are_posts(one.fitted_by)
        ]
        self.lag = next((one for one in levers if all(path.endswith(".lag_days_mean") for path in one.numbers)), None)
        self.levers = [one for one in levers if one is not self.lag]
        self.posts = [one for official in self.fitted.values() for one in posts_of(self.trial, official)]
        self.assessors = assessors_of(self.trial)
        paths = [one.path for one in self.posts] + [f"staff.{kind}.wte" for kind in self.assessors]
        self.wte = {path: known[path].value for path in paths}
        self.most = _runs_at_most([one.fitted_by for one in self.fitted.values()])
        self.point: Floats = np.zeros(len(self.levers))
        self.log_posts = dict.fromkeys(self.wte, 0.0)
        self.lag_by = 0.0
        self.days_per_log = dict.fromkeys(self.wte, FIRST_GUESS_DAYS)
        self.slopes: Floats = np.zeros((len(self.levers), len(self.levers)))
        self.runs = 0
        self.tried: list[tuple[float, dict[str, float], dict[str, float]]] = []  # misses, changes, values

    def as_if_nobody_waited(self) -> None:
        """Meet every figure but waits where there are places for everybody; then posts by the places that are held."""
        self._note(self._run(self._changes()))  # as in the parent, to be shown beside what was fitted
        few = min(FEW_REFERRALS / self.trial.demand.referrals_per_year.value, 1.0)
        plenty = times(self.trial, few, dict.fromkeys(self.trial.staff, PLENTY * few))
        here = self._off_by(self._run(self._numbers_at(self.point) | plenty))
        nudged = [
            self._off_by(self._run(self._numbers_at(self.point + step) | plenty))
            for step in NUDGE * np.eye(len(self.point))
        ]
        self.slopes = np.stack([(there - here) / NUDGE for there in nudged], axis=1)
        for _ in range(STEPS_WITHOUT_WAITS):
            results = self._run(self._numbers_at(self._stepped(here)) | plenty)
            here = self._learn(here, self._off_by(results))
        for one in self.posts:
            used = PLENTY * max(utilisation(results, one.steps), SMALLEST)
            self.log_posts[one.path] = float(np.log(used) - one.days / FIRST_GUESS_DAYS)
        for kind, steps in self.assessors.items():
            needed = PLENTY * utilisation(results, steps) / USED_BY_ASSESSMENTS
            self.log_posts[f"staff.{kind}.wte"] = float(np.log(max(needed, SMALLEST)))

    def with_waits(self) -> None:
        """Move all numbers on, and posts after them until waits are as published."""
        results = self._meet_waits()
        here = self._off_by(results)
        for _ in range(STEPS_WITH_WAITS):
            if self._is_near(results):
                break
            needed = self._needed(results)
            self._stepped(here)
            self._move_lag(results)
            for path, by in needed.items():
                self.log_posts[path] += by
            results = self._meet_waits()
            here = self._learn(here, self._off_by(results))

    def found(self) -> ServiceFit:
        """The best that was tried, for the whole service."""
        _, changes, after = min(self.tried, key=lambda one: one[0])
        share, whole = share_for_a_fit(self.scenario), {}
        for path, value in changes.items():
            kind = path.split(".")[1]
            whole[path] = round(value / share / filled_share(self.scenario, kind), 4) if path in self.wte else value
        known = {path: number.value for path, number, _ in numbers(self.scenario)}
        before = self.tried[0][2]
        return ServiceFit(
            self.scenario.name,
            whole,
            tuple(self.fitted),
            tuple(one.value for one in self.fitted.values()),
            tuple(before[name] for name in self.fitted),
            tuple(after[name] for name in self.fitted),
            self.runs - 1,
            {path: known[path] for path in whole},
        )

    def _meet_waits(self) -> Summary:
        """Move posts until every wait is met, at most so many times; the last run."""
        longer: dict[str, float] = {}  # posts with which waits were too long, and too short
        shorter: dict[str, float] = {}
        last: dict[str, tuple[float, float]] = {}
        for _ in range(TRIES):
            results = self._run(self._changes())
            self._note(results)
            far = [one for one in self.posts if abs(days_waited(results, one) - one.days) > near_enough(one)]
            if not far:
                break
            for one in far:
                here, days = self.log_posts[one.path], days_waited(results, one)
                used = utilisation(results, one.steps)
                if one.path in last and used > IDLE:
                    self._learn_days_per_log(one, last[one.path], (here, days))
                last[one.path] = here, days
                (longer if days > one.days else shorter)[one.path] = here
                idle = np.log(used) if used < IDLE else 0.0
                by = idle + (days - one.days) / self.days_per_log[one.path]
                there = here + float(np.clip(by, -MOST_POSTS_STEP, MOST_POSTS_STEP))
                if one.path in longer and one.path in shorter:
                    low, high = longer[one.path], shorter[one.path]
                    there = there if low < there < high else (low + high) / 2
                self.log_posts[one.path] = there
        return results

    def _learn_days_per_log(self, one: Posts, before: tuple[float, float], now: tuple[float, float]) -> None:
        by = now[0] - before[0]
        if abs(by) > SMALLEST and (found := (before[1] - now[1]) / by) > 0:
            both = np.sqrt(found * self.days_per_log[one.path])  # half way, in logs: chance is in it
            self.days_per_log[one.path] = float(np.clip(both, FEWEST_DAYS, MOST_DAYS))

    def _stepped(self, here: Floats) -> Floats:
        """Where the numbers are after one more damped step; `here`: how far each figure is off."""
        above = np.concatenate([self.slopes, DAMPING * np.eye(len(here))])
        by = np.linalg.lstsq(above, np.concatenate([-here, np.zeros(len(here))]), rcond=None)[0]
        there = np.clip(self.point + np.clip(by, -LONGEST_STEP, LONGEST_STEP), -MOST_MOVED, MOST_MOVED)
        self.step, self.point = there - self.point, there
        return self.point

    def _learn(self, before: Floats, now: Floats) -> Floats:
        """Broyden's rule: the slopes as they would have had to be for the last step. Returns `now`."""
        if size := self.step @ self.step:
            self.slopes += np.outer(now - before - self.slopes @ self.step, self.step) / size
        return now

    def _move_lag(self, results: Summary) -> None:
        """Move days from the offer to the first session: the more of a wait they are, the more waits differ between clients."""
        if self.lag is None or not self.posts:
            return
        over = row_of(results.rows, self.lag.official.quantity).value - self.lag.official.value
        days = next(iter(self.lag.numbers.values())).value
        most = np.log(max(MOST_OF_A_WAIT * min(one.days for one in self.posts) / days, 1.0))
        self.lag_by = float(np.clip(self.lag_by + np.clip(over / (1 / LAG_PER_SHARE), -1, 1), 0.0, most))

    def _needed(self, results: Summary) -> dict[str, float]:
        """By how many logs the contacts that each kind of staff gives change once their figures are met."""
        value = {name: row_of(results.rows, one.quantity).value for name, one in self.fitted.items()}
        by = {name: np.log(max(one.value, SMALLEST) / max(value[name], SMALLEST)) for name, one in self.fitted.items()}
        low = by.get("low_intensity_first", 0.0)
        share = self.fitted["low_intensity_first"].value if low else 0.5
        was = min(share / np.exp(low), 1 - SMALLEST)
        high = np.log((1 - share) / (1 - was)) if low else 0.0
        change = {
            "low": low + by.get("low_intensity_contacts", 0.0),
            "high": high + by.get("high_intensity_contacts", 0.0),
        }
        is_low = dict(zip(self.trial.steps, low_steps(self.trial), strict=True))
        return {
            one.path: float(np.clip(change["low" if all(is_low[s] for s in one.steps) else "high"], -0.5, 0.5))
            for one in self.posts
        }

    def _numbers_at(self, point: Floats) -> dict[str, float]:
        changes = {
            path: moved(number, float(by))
            for lever, by in zip(self.levers, point, strict=True)
            for path, number in lever.numbers.items()
        }
        if self.lag is not None:
            changes |= {path: moved(number, self.lag_by) for path, number in self.lag.numbers.items()}
        return changes

    def _changes(self) -> dict[str, float]:
        """All numbers as they are now. Where posts are too few for a single place at some step, there are more of them."""
        for _ in range(MOST_TIMES_MORE):
            posts = {path: round(float(wte * np.exp(self.log_posts[path])), 4) for path, wte in self.wte.items()}
            changes = self._numbers_at(self.point) | posts
            try:
                self.trial.with_changes(dict(changes))
            except ScenarioError as error:
                fault = error
                self.log_posts = {path: by + MORE_POSTS for path, by in self.log_posts.items()}
            else:
                return changes
        raise RunError(f"{self.scenario.name}: cannot be fitted. {fault}")

    def _run(self, changes: Mapping[str, float]) -> Summary:
        changed = self.trial.with_changes(dict(changes))
        (results,) = summarise_each([Request(changed)], replace(self.options, progress=None))
        self.runs += 1
        self.options.report(min(self.runs, self.most), self.most)
        nobody = [name for name, one in self.fitted.items() if np.isnan(row_of(results.rows, one.quantity).value)]
        if nobody:
            raise RunError(f"{self.scenario.name}: has no {', '.join(nobody)} to fit, since nobody was counted.")
        return results

    def _note(self, results: Summary) -> None:
        values = {name: row_of(results.rows, one.quantity).value for name, one in self.fitted.items()}
        misses = [abs(values[name] - one.value) / tolerance_of(one) for name, one in self.fitted.items()]
        self.tried.append((float(np.square(np.minimum(misses, MOST_MISSES)).sum()), self._changes(), values))

    def _is_near(self, results: Summary) -> bool:
        return all(
            abs(row_of(results.rows, one.quantity).value - one.value) <= NEAR_ENOUGH * tolerance_of(one)
            for one in self.fitted.values()
        )

    def _off_by(self, results: Summary) -> Floats:
        return np.array([one.off_by(row_of(results.rows, one.official.quantity).value) for one in self.levers])
