"""Every outcome of one simulation read again, client by client, in plain arithmetic: contacts, scores, interviews, relapse.

What it shares with the package are the tables that it reads (clients, care, episodes), the scenario, and the draws by purpose.
"""

from collections import defaultdict
from math import exp, expm1, floor, log, sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from caseload_sim.clients.population import state_change
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import ASSESSED, ENDINGS, NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.pathway.assessment import EXITS
from caseload_sim.pathway.care import missed_by_kind

Columns = dict[str, list[Any]]
NEVER_ASSESSED = ("no_service", "not_suitable", "declined", "not_assessed")
READ = ("end", "month_12", "sustained")


def reread(simulation: Simulation) -> tuple[Columns, dict[str, Columns], list[tuple[int, ...]]]:
    """Columns of Outcomes by name, of both readings by service, and the rows of the scores by course."""
    reader = _Reader(simulation)
    clients = [reader.client(i) for i in range(len(simulation.clients.id))]
    plain: Columns = {name: [c.seen[name] for c in clients] for name in clients[0].seen}
    readings = {
        s: {name: [c.read[s][name] for c in clients] for name in clients[0].read[s]} for s in ("service", "none")
    }
    return plain, readings, sorted(row for c in clients for row in c.course_scores)


class _Reader:
    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.scenario = simulation, simulation.scenario
        self.steps = list(self.scenario.pathway.steps.values())
        self.names = simulation.clients.disorder_names
        self.stays: dict[int, list[SimpleNamespace]] = defaultdict(list)
        table = simulation.episodes
        columns = (table.client, table.step, table.started_day, table.ended_day, table.ending)
        for who, step, started, ended, ending in zip(*(c.tolist() for c in columns), strict=True):
            self.stays[who].append(SimpleNamespace(step=step, started=started, ended=ended, ending=ENDINGS[ending]))
        self.draws, ids = Draws(self.scenario.run.seed, simulation.replication), simulation.clients.id
        self.normal = {
            name: self.draws.normal(name, ids).tolist()
            for name in (
                "change_distress", "error_start:phq9", "error_end:phq9", "error_start:gad7", "error_end:gad7",
                *(f"{p}:{d}" for d in self.names for p in ("change_own", "interview_start", "interview_end", "interview_month_12")),
            )
        }  # fmt: skip
        self.change = state_change(self.scenario, simulation.clients, self.draws)
        kinds = missed_by_kind(self.scenario, simulation.clients, simulation.care, self.draws)
        self.missed = dict(zip(("not_attended", "client_cancelled", "provider_cancelled"), kinds, strict=True))
        spread = self.scenario.outcome.spread
        self.shared = self.draws.gamma("change_shared", ids, spread.shared_shape.value).tolist()
        self.relapse_u = self.draws.uniform("relapse", ids).tolist()
        self.relapse_day_u = self.draws.uniform("relapse_day", ids).tolist()
        course = self.scenario.outcome.natural_course

        def too_fast(days: float) -> float:
            return float(expm1(-365 / days) / expm1(-182 / days) - course.at_one_year.value)

        self.pace = float(brentq(too_fast, 1.0, 1e6, xtol=1e-12))

    def progress(self, days: int) -> float:
        """Share of the improvement of the first 182 days that is reached: an exponential through that point."""
        return expm1(-max(days, 0) / self.pace) / expm1(-182 / self.pace)

    # --- one client -------------------------------------------------------------------------------------------

    def client(self, i: int) -> SimpleNamespace:
        clients, outcome = self.simulation.clients, self.scenario.outcome
        me = SimpleNamespace(i=i, referral=int(clients.referral_day[i]), stays=self.stays[i])
        me.has = {n for n, has in zip(clients.condition_names, clients.conditions[i].tolist(), strict=True) if has}
        me.severity, me.change = clients.severity[i].tolist(), self.change[i].tolist()
        slower = sum(effect.value for name, effect in outcome.moderators.items() if name in me.has)
        base, shared = outcome.natural_course.at_six_months.value, outcome.spread.shared.value * self.shared[i]
        me.improvement = [
            base * _of(outcome.natural_course.by_disorder, name) + slower + shared
            + outcome.spread.own.value * self.normal[f"change_own:{name}"][i]
            for name in self.names
        ]  # fmt: skip
        me.distress = float(clients.distress[i])
        me.distress_improvement = (
            base + slower + outcome.spread.distress_shared.value * shared
            + outcome.spread.distress_own.value * self.normal["change_distress"][i]
        )  # fmt: skip
        self._follow(me)
        self._read(me)
        me.course_scores = list(self._course_scores(me))
        return me

    def _follow(self, me: SimpleNamespace) -> None:
        """What happened: contacts, their days, the steps, and how the referral ended."""
        care, i, run = self.simulation.care, me.i, self.scenario.run
        done = [stay for stay in me.stays if stay.started != NOT_YET and stay.ended != NOT_YET]
        for stay in done:
            stay.course = self.steps[stay.step].kind == "course"
            lag = int(care.lag_days[i, stay.step])
            stay.first_day = stay.started + lag if stay.course else stay.ended - 1
            stay.last_day = stay.ended if stay.course else stay.ended - 1
        me.courses = [stay for stay in done if stay.course]
        sessions = [0] * len(self.steps)
        for stay in me.courses:
            sessions[stay.step] = int(care.attended[i, stay.step])
        assessed = any(stay.ending == ENDINGS[ASSESSED] for stay in me.stays)
        exit_name = EXITS[int(care.exit[i])]
        if me.stays:
            end_day, last = me.stays[-1].ended, me.stays[-1].ending
            left = last if last in ("gave_up", "dropped_out", "finished") else exit_name
        elif exit_name in NEVER_ASSESSED and me.referral != NOT_YET:
            booked = 0 if exit_name == "no_service" else int(care.booking_days[i])
            end_day, left = me.referral + booked, exit_name
            end_day = end_day if end_day < run.horizon_days else NOT_YET
        else:
            end_day, left = NOT_YET, "not_yet"
        left = "not_yet" if end_day == NOT_YET else left
        first_contact = done[0].first_day if done else NOT_YET
        second = [stay.first_day for stay in me.courses if stay.first_day > first_contact]
        first = me.courses[0].step if me.courses else -1
        last_step = me.courses[-1].step if me.courses else -1
        moved = sum(n > 0 for n in sessions) > 1
        below = getattr(self.steps[first], "steps_down_to", None) if moved else None
        down = below is not None and below == self.scenario.steps[last_step]
        me.last_step, me.dropped_out = last_step, bool(me.courses) and me.courses[-1].ending == "dropped_out"
        me.seen = {
            "end_day": end_day,
            "left": LEFT.index(left),
            "first_contact_day": first_contact,
            "second_contact_day": second[0] if second else NOT_YET,
            "last_contact_day": done[-1].last_day if done else NOT_YET,
            "contacts": assessed + sum(sessions),
            "sessions": sessions,
            **{kind: sum(int(missed[i, stay.step]) for stay in done) for kind, missed in self.missed.items()},
            "first_course": first,
            "stepped_up": moved and not down,
            "stepped_down": down,
            "step_up_wait_days": me.courses[-1].first_day - me.courses[0].last_day if moved and not down else NOT_YET,
        }

    # --- how they are read ------------------------------------------------------------------------------------

    def treated(self, i: int, sessions: list[int], contacts: int) -> tuple[list[float], float]:
        """What treatment takes from each disorder, and from distress."""
        treatment, care = self.scenario.outcome.treatment, self.simulation.care
        target = int(care.target[i])
        remaining = 1.0
        for n, step in zip(sessions, self.steps, strict=True):
            if step.kind == "course" and n:
                remaining *= 1 - _of(step.effect, self.names[target]) * (
                    1 - exp(-3 * n / step.sessions_for_95_percent.value)
                )
        strength = treatment.trial_effect.value * treatment.fidelity.value * float(care.therapist[i]) * (1 - remaining)
        strength = strength if contacts >= 2 else 0.0
        spilled = [strength * _of(treatment.spill, name) for name in self.names]
        spilled[target] = strength
        return spilled, strength

    def scores(
        self, me: SimpleNamespace, day: int, treated: tuple[list[float], float], at_end: bool
    ) -> tuple[int, int]:
        """PHQ-9 and GAD-7 on a day."""
        gone = self.progress(day - me.referral)
        severity = [
            s - gone * fall + (change if at_end else 0) - less
            for s, fall, change, less in zip(me.severity, me.improvement, me.change, treated[0], strict=True)
        ]
        distress = me.distress - gone * me.distress_improvement - treated[1]
        result = []
        for name, highest in (("phq9", 27), ("gad7", 21)):
            instrument = getattr(self.scenario.instruments, name)
            mean = sum(severity) / len(severity)
            own = severity[self.names.index(instrument.own_disorder)] if instrument.own_disorder in self.names else mean
            w, k, soft = instrument.own_weight.value, instrument.distress_weight.value, instrument.softness.value
            level = (w * own + (1 - w) * mean + k * distress) / sqrt(1 + k * k)
            points = soft * log(1 + exp((instrument.intercept.value + instrument.slope.value * level) / soft))
            error = instrument.error_sd.value * self.normal[f"error_{'end' if at_end else 'start'}:{name}"][me.i]
            result.append(min(max(round(points + error), 0), highest))
        return result[0], result[1]

    def _read(self, me: SimpleNamespace) -> None:
        scenario, seen, i = self.scenario, me.seen, me.i
        nothing = ([0.0] * len(self.names), 0.0)
        measured = me.referral + scenario.outcome.measured_after_days
        if seen["first_contact_day"] == NOT_YET:
            first_day, read_day, last_day = me.referral, measured, measured
        else:
            over = scenario.run.horizon_days if seen["end_day"] == NOT_YET else seen["end_day"]
            first_day, read_day, last_day = seen["first_contact_day"], over, seen["last_contact_day"]
        fixed = scenario.outcome.read_everybody_after_days
        if fixed is not None:
            read_day = last_day = me.referral + fixed
        seen["first_phq9"], seen["first_gad7"] = self.scores(me, first_day, nothing, at_end=False)
        sd = scenario.instruments.interview_error_sd.value
        start = [s + sd * self.normal[f"interview_start:{n}"][i] for s, n in zip(me.severity, self.names, strict=True)]
        seen["diagnosed"] = [s > 0 for s in start]
        seen["principal"] = start.index(max(start)) if max(start) > 0 else -1
        me.read = {}
        for service in ("service", "none"):
            treated = self.treated(i, seen["sessions"], seen["contacts"]) if service == "service" else nothing
            me.read[service] = self._reading(me, treated, read_day, last_day, self._risk(me, service), sd)

    def _risk(self, me: SimpleNamespace, service: str) -> float:
        outcome = self.scenario.outcome
        if service == "none" or me.last_step < 0:
            return float(outcome.relapse_untreated.value)
        if me.dropped_out:
            return float(outcome.relapse_unfinished.value)
        return float(self.steps[me.last_step].relapse_within_a_year.value)

    def _reading(
        self,
        me: SimpleNamespace,
        treated: tuple[list[float], float],
        read_day: int,
        last_day: int,
        risk: float,
        sd: float,
    ) -> dict[str, Any]:
        i, margin = me.i, self.scenario.instruments.full_remission_margin.value
        after = read_day - me.referral
        relapsed = self.relapse_u[i] < risk
        since = floor((1 - self.relapse_day_u[i]) * 365)
        end, later = [], []
        for j, name in enumerate(self.names):
            start = me.severity[j] + me.change[j]
            at_end = (
                start
                - self.progress(after) * me.improvement[j]
                - treated[0][j]
                + sd * self.normal[f"interview_end:{name}"][i]
            )
            a_year_on = start - self.progress(after + 365) * me.improvement[j] - treated[0][j]
            if relapsed and at_end <= 0:
                a_year_on = start - self.progress(since) * me.improvement[j]
            end.append(at_end)
            later.append(a_year_on + sd * self.normal[f"interview_month_12:{name}"][i])
        phq9, gad7 = self.scores(me, last_day, treated, at_end=True)
        rungs = {"end": self._rungs(me, end, margin), "month_12": self._rungs(me, later, margin)}
        rungs["sustained"] = {rung: reached and not relapsed for rung, reached in rungs["end"].items()}
        return {
            "last_phq9": phq9,
            "last_gad7": gad7,
            "without": [s <= 0 for s in end],
            "clear": [s <= -margin for s in end],
            "without_month_12": [s <= 0 for s in later],
            "clear_month_12": [s <= -margin for s in later],
            "relapsed": relapsed,
            **{f"{at}:{rung}": reached for at in READ for rung, reached in rungs[at].items()},
        }

    def _rungs(self, me: SimpleNamespace, severity: list[float], margin: float) -> dict[str, bool]:
        had = [s for s, present in zip(severity, me.seen["diagnosed"], strict=True) if present]
        return {
            "principal_remission": bool(had) and severity[me.seen["principal"]] <= 0,
            "all_remission": bool(had) and all(s <= 0 for s in had),
            "full_remission": bool(had) and all(s <= -margin for s in had),
        }

    def _course_scores(self, me: SimpleNamespace) -> Any:
        """Scores at the start and the end of each course ended in the period."""
        run, sessions = self.scenario.run, [0] * len(self.steps)
        for k, stay in enumerate(me.courses):
            start_day = me.seen["first_contact_day"] if k == 0 else stay.first_day
            before = self.treated(me.i, sessions, sum(sessions) + 1)
            first = self.scores(me, start_day, before, at_end=k > 0)
            attended = int(self.simulation.care.attended[me.i, stay.step])
            sessions[stay.step] = attended
            last = self.scores(me, stay.ended, self.treated(me.i, sessions, sum(sessions) + 1), at_end=True)
            if run.warm_up_days <= stay.ended < run.warm_up_days + run.data_collection_days:
                yield (me.i, stay.step, attended, *first, *last)


def _of(table: Any, name: str) -> float:
    """The value for a disorder, or the table's default."""
    return float((table[name] if name in table else table["default"]).value)


def as_lists(column: Any) -> list[Any]:
    """A column of a table as plain Python values, rows of two-dimensional ones as lists."""
    return list(np.asarray(column).tolist())
