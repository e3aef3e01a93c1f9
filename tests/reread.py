"""Every outcome of one simulation read again, client by client, in plain arithmetic: contacts, scores, interviews, relapse.

What it shares with the package are the tables that it reads (clients, care, episodes), the scenario, and the draws by purpose.
"""

from collections import defaultdict
from math import erfc, exp, inf, log, sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np

from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import ASSESSED, ENDINGS, NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.pathway.assessment import EXITS
from caseload_sim.pathway.care import missed_by_kind

Columns = dict[str, list[Any]]
NEVER_ASSESSED = ("no_service", "not_suitable", "declined", "not_assessed")
READ = ("end", "month_12", "sustained")
INSTRUMENTS = (("phq9", 27), ("gad7", 21))


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
        self.steps = list(self.scenario.pathway.steps.items())
        self.names = simulation.clients.disorder_names
        self.stays: dict[int, list[SimpleNamespace]] = defaultdict(list)
        table = simulation.episodes
        columns = (table.client, table.step, table.started_day, table.ended_day, table.ending)
        for who, step, started, ended, ending in zip(*(c.tolist() for c in columns), strict=True):
            self.stays[who].append(SimpleNamespace(step=step, started=started, ended=ended, ending=ENDINGS[ending]))
        self.draws, self.drawn = Draws(self.scenario.run.seed, simulation.replication), {}  # type: Draws, dict[str, Any]
        kinds = missed_by_kind(self.scenario, simulation.clients, simulation.care, self.draws)
        self.missed = dict(zip(("not_attended", "client_cancelled", "provider_cancelled"), kinds, strict=True))

    def normal(self, purpose: str, i: int) -> float:
        if purpose not in self.drawn:
            self.drawn[purpose] = self.draws.normal(purpose, self.simulation.clients.id).tolist()
        return float(self.drawn[purpose][i])

    def uniform(self, purpose: str, i: int) -> float:
        if f"u {purpose}" not in self.drawn:
            self.drawn[f"u {purpose}"] = self.draws.uniform(purpose, self.simulation.clients.id).tolist()
        return float(self.drawn[f"u {purpose}"][i])

    # --- one client -------------------------------------------------------------------------------------------

    def client(self, i: int) -> SimpleNamespace:
        clients = self.simulation.clients
        me = SimpleNamespace(i=i, referral=int(clients.referral_day[i]), stays=self.stays[i])
        me.has = {n for n, has in zip(clients.condition_names, clients.conditions[i].tolist(), strict=True) if has}
        me.severity, me.state_start = clients.severity[i].tolist(), clients.state_start[i].tolist()
        me.distress, me.deprivation = float(clients.distress[i]), float(clients.deprivation[i])
        me.emotional = self.count(me, "emotional_disorder")
        me.complexity = max(me.emotional - 1, 0) + self.count(me, "dependence", "personality_disorder")
        self._light(me)
        self._follow(me)
        self._read(me)
        me.course_scores = list(self._course_scores(me))
        return me

    def count(self, me: SimpleNamespace, *groups: str) -> int:
        return sum(self.scenario.population.prevalence[name].group in groups for name in me.has)

    def _light(self, me: SimpleNamespace) -> None:
        """How fast each problem ends, and how long it lasts: once from referral, once from a relapse."""
        rule = self.scenario.outcome.remission
        ratio = rule.per_emotional_disorder.value * (me.emotional - rule.reference_disorders.value)
        ratio += rule.per_deprivation_sd.value * me.deprivation
        ratio += sum(effect.value for name, effect in rule.by_condition.items() if name in me.has)
        per_day = rule.usual_care.value * 12 / 365
        me.hazard, me.depth = {}, {}
        for name, severity in zip(self.names, me.severity, strict=True):
            by_severity = rule.per_severity_sd.value * (min(severity, 3) - 1)
            me.hazard[name] = _of(rule.monthly_hazard, name) * per_day * exp(ratio + by_severity)
            me.depth[name] = rule.hysteresis.value - rule.depth_mean.value * log(self.uniform(f"depth:{name}", me.i))
        me.hazard["distress"] = rule.monthly_hazard_of_distress.value * per_day * exp(ratio)
        me.length, me.new_length = ({
            name: -log(_below(
                sqrt(rule.shared.value) * self.normal(f"{when}length_shared", me.i)
                + sqrt(1 - rule.shared.value) * self.normal(f"{when}length_own:{name}", me.i)
            ))
            for name in (*self.names, "distress")
        } for when in ("", "relapse_"))  # fmt: skip

    def _follow(self, me: SimpleNamespace) -> None:
        """What happened: contacts, their days, the steps, and how the referral ended."""
        care, i, run = self.simulation.care, me.i, self.scenario.run
        done = [stay for stay in me.stays if stay.started != NOT_YET and stay.ended != NOT_YET]
        for stay in done:
            stay.name, step = self.steps[stay.step]
            stay.course = step.kind == "course"
            lag = int(care.lag_days[i, stay.step])
            stay.first_day = stay.started + lag if stay.course else stay.ended - 1
            stay.last_day = stay.ended if stay.course else stay.ended - 1
            stay.sessions = int(care.attended[i, stay.step]) if stay.course else 0
        me.courses = [stay for stay in done if stay.course]
        sessions = [0] * len(self.steps)
        for stay in me.courses:
            sessions[stay.step] = stay.sessions
        assessed = any(stay.ending == ENDINGS[ASSESSED] for stay in me.stays)
        exit_name = EXITS[int(care.exit[i])]
        if me.stays:
            end_day, last = me.stays[-1].ended, me.stays[-1].ending
            left = last if last in ("gave_up", "dropped_out", "finished") else exit_name
            left = "gave_up" if left == "treated" else left  # let through, but well by the soonest first session
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
        moved = sum(n > 0 for n in sessions) > 1
        below = getattr(self.steps[first][1], "steps_down_to", None) if moved else None
        down = below is not None and below == me.courses[-1].name
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

    def treated(self, me: SimpleNamespace, courses: list[SimpleNamespace], contacts: int) -> float:
        """What courses, in order of time, have done for somebody, in full courses; nothing without two contacts."""
        treatment = self.scenario.outcome.treatment
        me.target = self.names[int(self.simulation.care.target[me.i])]
        remaining, strength = 1.0, 0.0
        for stay in courses:
            step = self.steps[stay.step][1]
            effect = _of(step.effect, me.target) * exp(step.effect_per_complexity.value * max(me.complexity - 1, 0))
            dose = effect * (1 - exp(-3 * stay.sessions / step.sessions_for_95_percent.value))
            therapist = max(1 + treatment.therapist_sd.value * self.normal(f"therapist:{stay.name}", me.i), 0)
            strength += therapist * remaining * dose
            remaining *= 1 - dose
        area = exp(treatment.per_deprivation_sd.value * me.deprivation)
        return strength * area * treatment.fidelity.value if contacts >= 2 else 0.0

    def reaches(self, me: SimpleNamespace, name: str) -> float:
        """The share of the effect that reaches a disorder."""
        return 1.0 if name == me.target else _of(self.scenario.outcome.treatment.spill, name)

    def over(self, me: SimpleNamespace, name: str, day: float, strength: float) -> bool:
        """Whether a problem is over so many days after referral."""
        treatment = self.scenario.outcome.treatment
        if name == "distress":
            taken = treatment.full_course_of_distress.value * strength
        elif name not in me.has:
            return False
        else:
            taken = treatment.full_course.value * strength * self.reaches(me, name)
        return bool(me.hazard[name] * day + taken >= me.length[name])

    def state(self, me: SimpleNamespace, reading: str, j: int) -> float:
        """The passing part of a disorder on a reading."""
        if reading == "first":
            return float(me.state_start[j])
        share = _of(self.scenario.population.state_share, self.names[j])
        return sqrt(share) * self.normal(f"state:{reading}:{self.names[j]}", me.i)

    def found(
        self,
        me: SimpleNamespace,
        reading: str,
        day: float,
        strength: float,
        back: set[str] | None = None,
        drifted: float | None = None,
    ) -> tuple[list[float], float]:
        """Severity of each disorder, and distress, so many days after referral.

        back: problems that burn again after a relapse; drifted: share of the lasting drift by then, by the reading if None
        """
        outcome, again = self.scenario.outcome, back or set()
        severity = []
        for j, name in enumerate(self.names):
            state = self.state(me, reading, j)
            would_be = me.severity[j] + state - me.state_start[j]
            if name in again:
                severity.append(would_be)
                continue
            would_be -= outcome.treatment.severity_shift.value * strength * self.reaches(me, name)
            well = state - me.depth[name]
            severity.append(min(would_be, well) if self.over(me, name, day, strength) else would_be)
        if drifted is None:
            drifted = {"first": 0.0, "start": 0.5}.get(reading.split("_")[0], 1.0)
        distress = me.distress + drifted * outcome.distress.drift_sd.value * self.normal("drift", me.i)
        distress += outcome.distress.mood_sd.value * self.normal(f"mood:{reading}", me.i)
        distress -= outcome.treatment.distress_relief.value * strength
        if "distress" in again or not self.over(me, "distress", day, strength):
            distress += outcome.distress.reactive.value
        return severity, distress

    def scores(self, me: SimpleNamespace, reading: str, severity: list[float], distress: float) -> tuple[int, int]:
        """PHQ-9 and GAD-7."""
        result = []
        for questionnaire, highest in INSTRUMENTS:
            of = getattr(self.scenario.instruments, questionnaire)
            points, seen = of.intercept.value + of.distress_weight.value * distress, 0.0
            for name, s in zip(self.names, severity, strict=True):
                if name == of.own_disorder:
                    points += of.own_weight.value * max(s, -1)
                else:
                    seen += _of(of.sees, name) * max(s, 0)
            points += of.others_weight.value * (1 - exp(-seen))
            soft = of.softness.value
            points = soft * log(1 + exp(points / soft))
            points += of.error_sd.value * self.normal(f"error:{reading}:{questionnaire}", me.i)
            result.append(min(max(round(points), 0), highest))
        return result[0], result[1]

    def read_on(
        self, me: SimpleNamespace, reading: str, day: float, strength: float, drifted: float | None = None
    ) -> tuple[int, int]:
        return self.scores(me, reading, *self.found(me, reading, day, strength, drifted=drifted))

    def interviewed(self, me: SimpleNamespace, purpose: str, severity: list[float]) -> list[float]:
        """Severity as heard at an interview."""
        sd = self.scenario.instruments.interview_error_sd.value
        return [s + sd * self.normal(f"{purpose}:{n}", me.i) for s, n in zip(severity, self.names, strict=True)]

    def _read(self, me: SimpleNamespace) -> None:
        scenario, seen = self.scenario, me.seen
        if seen["first_contact_day"] == NOT_YET:
            first, me.end = 0, scenario.outcome.measured_after_days
            me.last = me.end
        else:
            over = scenario.run.horizon_days if seen["end_day"] == NOT_YET else seen["end_day"]
            first, me.end = seen["first_contact_day"] - me.referral, over - me.referral
            me.last = seen["last_contact_day"] - me.referral
        fixed = scenario.outcome.read_everybody_after_days
        if fixed is not None:
            me.end = me.last = fixed
        strength = self.treated(me, me.courses, seen["contacts"])
        seen["first_phq9"], seen["first_gad7"] = self.read_on(me, "first", first, 0.0)
        heard = self.interviewed(me, "interview_start", me.severity)
        seen["diagnosed"] = [s > 0 for s in heard]
        seen["principal"] = heard.index(max(heard)) if max(heard) > 0 else -1
        planned_end = bool(me.courses) and me.courses[-1].ending == "finished"
        me.read = {
            "service": self._reading(me, strength, planned_end),
            "none": self._reading(me, 0.0, planned_end=False),
        }

    def _reading(self, me: SimpleNamespace, strength: float, planned_end: bool) -> dict[str, Any]:
        """How somebody is found; strength: of treatment, planned_end: of treatment, which the twin has not."""
        endings, margin = self.scenario.outcome.endings, self.scenario.instruments.full_remission_margin.value
        last = self.read_on(me, "last", me.last, strength)
        if planned_end and not _well(last) and self.uniform("one_more_look", me.i) < endings.one_more_look.value:
            again = self.read_on(me, "again", me.last + endings.one_more_look_after_days, strength)
            last = again if _well(again) else last
        end = self.interviewed(me, "interview_end", self.found(me, "last", me.end, strength)[0])
        relapse = self._relapse_day(me, strength, last[0])
        relapsed = relapse <= me.end + 365
        back = set()
        if relapsed:
            out = [name for name in (*self.names, "distress") if self.over(me, name, me.end, strength)]
            since = max(me.end + 365 - relapse, 0)
            back = {name for name in out if me.hazard[name] * since < me.new_length[name]}
        a_year_on = self.found(me, "month_12", me.end + 365, strength, back)
        later, month_12 = (
            self.interviewed(me, "interview_month_12", a_year_on[0]),
            self.scores(me, "month_12", *a_year_on),
        )
        rungs = {"end": self._rungs(me, end, margin), "month_12": self._rungs(me, later, margin)}
        rungs["sustained"] = {rung: reached and not relapsed for rung, reached in rungs["end"].items()}
        return {
            "last_phq9": last[0],
            "last_gad7": last[1],
            "month_12_phq9": month_12[0],
            "month_12_gad7": month_12[1],
            "without": [s <= 0 for s in end],
            "clear": [s <= -margin for s in end],
            "without_month_12": [s <= 0 for s in later],
            "clear_month_12": [s <= -margin for s in later],
            "relapsed": relapsed,
            **{f"{at}:{rung}": reached for at in READ for rung, reached in rungs[at].items()},
        }

    def _relapse_day(self, me: SimpleNamespace, strength: float, last_phq9: int) -> float:
        """Day on which somebody would fall ill again: after the end of treatment, or after what ended by itself."""
        rule = self.scenario.outcome.relapse
        hazard = rule.yearly_hazard.value * (rule.residual_symptoms.value if last_phq9 >= 5 else 1)
        years = (-log(self.uniform("relapse", me.i)) / hazard) ** (1 / rule.shape.value) if hazard else inf
        well_since = int(me.end)
        if not strength:
            went_out = [
                self._went_out(me, name) for name in (*self.names, "distress") if self.over(me, name, me.end, 0.0)
            ]
            well_since = max(went_out, default=0)
        return float(well_since + 365 * years)

    def _went_out(self, me: SimpleNamespace, name: str) -> int:
        """First whole day on which a problem is over by itself."""
        day = int(me.length[name] / me.hazard[name])
        while not self.over(me, name, day, 0.0):
            day += 1
        return day

    def _rungs(self, me: SimpleNamespace, severity: list[float], margin: float) -> dict[str, bool]:
        had = [s for s, present in zip(severity, me.seen["diagnosed"], strict=True) if present]
        return {
            "principal_remission": bool(had) and severity[me.seen["principal"]] <= 0,
            "all_remission": bool(had) and all(s <= 0 for s in had),
            "full_remission": bool(had) and all(s <= -margin for s in had),
        }

    def _course_scores(self, me: SimpleNamespace) -> Any:
        """Scores at the start and the end of each course ended in the period."""
        run, contacts = self.scenario.run, 1
        for k, stay in enumerate(me.courses):
            before = self.treated(me, me.courses[:k], contacts)
            first = self.read_on(me, f"start_{stay.name}", stay.first_day - me.referral, before, 1.0 if k else None)
            contacts += stay.sessions
            if k == len(me.courses) - 1:
                last = (me.read["service"]["last_phq9"], me.read["service"]["last_gad7"])
            else:
                by_then = self.treated(me, me.courses[: k + 1], contacts)
                last = self.read_on(me, f"end_{stay.name}", stay.ended - me.referral, by_then)
            if run.warm_up_days <= stay.ended < run.warm_up_days + run.data_collection_days:
                yield (me.i, stay.step, stay.sessions, *first, *last)


def _below(z: float) -> float:
    """The chance that a standard normal number is below this one."""
    return 0.5 * erfc(-z / sqrt(2))


def _well(scores: tuple[int, int]) -> bool:
    return scores[0] < 10 and scores[1] < 8


def _of(table: Any, name: str) -> float:
    """The value for a disorder, or the table's default."""
    return float((table[name] if name in table else table["default"]).value)


def as_lists(column: Any) -> list[Any]:
    """A column of a table as plain Python values, rows of two-dimensional ones as lists."""
    return list(np.asarray(column).tolist())
