"""Every measure of one simulation counted again, person by person and day by day, as docs and definitions put it in words.

Slow and plain on purpose: no array arithmetic, and nothing of the package's own counting. What it shares with it are the
tables that it reads and the calendar of working days.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from math import ceil, isnan, nan, sqrt
from types import SimpleNamespace
from typing import Any

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.outcomes.outcomes import Outcomes
from caseload_sim.outcomes.readings import Reading
from caseload_sim.pathway.working_days import working_days

Triple = tuple[float, float, float]  # numerator, denominator, value
Table = dict[Quantity, Triple]
Person = SimpleNamespace
Says = Callable[..., Any]  # of a person, or of a person and a reading
RUNGS = ("principal_remission", "all_remission", "full_remission")
MISSED = ("not_attended", "client_cancelled", "provider_cancelled")
BY_BAND = (
    "referrals_received", "finished_course_treatment", "at_caseness", "recovery", "reliable_recovery", "improvement",
    "no_reliable_change", "deterioration", *RUNGS, "recovered_still_diagnosed", "not_recovered_no_diagnosis",
    *(f"{when}_{score}_mean" for when in ("first", "last", "month_12") for score in ("phq9", "gad7")),
)  # fmt: skip
HELPED = {"recovery": "helped_to_recovery", "principal_remission": "helped_to_remission"}
REASONS = {
    "reason_not_suitable": ("not_suitable", "not_suitable_seen"),
    "reason_declined": ("declined", "declined_treatment"),
    "reason_not_assessed": ("not_assessed",),
    "reason_incomplete_assessment": ("incomplete_assessment",),
    "reason_advice_or_elsewhere": ("advice",),
    "reason_mutually_agreed": ("finished",),
    "reason_unplanned": ("dropped_out", "gave_up"),
}
WAYS = {
    "not_suitable": ("not_suitable", "not_suitable_seen"),
    "not_assessed": ("not_assessed",),
    "incomplete_assessment": ("incomplete_assessment",),
    "declined": ("declined", "declined_treatment"),
    "discharged_with_advice": ("advice",),
    "gave_up": ("gave_up",),
    "dropped_out": ("dropped_out",),
}


def over(numerator: float, denominator: float) -> Triple:
    return float(numerator), float(denominator), numerator / denominator if denominator else nan


def same(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Equal to twelve digits, or both without a value."""
    return all(
        (isnan(a) and isnan(b)) or abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
        for a, b in zip(ours, theirs, strict=True)
    )


def recount(simulation: Simulation) -> Table:
    """(measure, base, at, service, group) -> (numerator, denominator, value) of every measure there is."""
    counter = _Counter(simulation)
    counter.official()
    counter.a_year_later()
    counter.ladder()
    counter.endings()
    counter.population()
    counter.waits()
    counter.contacts()
    counter.courses()
    counter.places()
    counter.costs()
    return counter.table


class _Counter:
    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.scenario = simulation, simulation.scenario
        self.table: Table = {}
        run = self.scenario.run
        self.first, self.after = run.warm_up_days, run.warm_up_days + run.data_collection_days
        self.steps = list(self.scenario.pathway.steps.items())
        self.is_course = [step.kind == "course" for _, step in self.steps]
        names = [name for name, step in self.steps if step.kind == "course"]
        self.is_low = [
            step.kind == "course" and len(names) > 1 and (name == names[0] or step.instead_of == names[0])
            for name, step in self.steps
        ]
        self.people = _people(simulation)
        self.groups = self._group_names()
        self.members = {group: [] for group in self.groups}  # type: dict[str, list[Person]]
        for person in self.people:
            person.ended_here = self.inside(person.end_day)
            person.over = person.end_day != NOT_YET
            person.case = person.first_phq9 >= 10 or person.first_gad7 >= 8
            person.referred_here = self.inside(person.referral_day)
            person.two = person.contacts >= 2
            person.one = person.contacts >= 1
            person.way = LEFT[person.left]
            person.groups = self._groups_of(person)
            for group in person.groups:
                self.members[group].append(person)
        self.bands = _band_members(self.people)

    def inside(self, day: int) -> bool:
        return self.first <= day < self.after

    def put(self, triple: Triple, measure: str, base: str, at: str = "", service: str = "", group: str = "all") -> None:
        self.table[Quantity(measure, base, at, service, group)] = triple

    # --- who belongs where --------------------------------------------------------------------------------------

    def _conditions(self, person: Person, *kinds: str) -> int:
        prevalence = self.scenario.population.prevalence
        return sum(prevalence[name].group in kinds for name in person.conditions)

    def _group_names(self) -> list[str]:
        clients = self.simulation.clients
        names = ["all"]
        names += [f"emotional_disorders={k}" for k in ("0", "1", "2", "3", "4", "5", "6+", "3+")]
        names += [f"disorders={k}" for k in ("0", "1", "2", "3", "4", "5", "6", "7", "8+", "0-1", "3+")]
        names += [
            f"{n}={a}" for n in ("dependence", "childhood_abuse", *clients.condition_names) for a in ("yes", "no")
        ]
        names += [f"{name}={label}" for name, labels in clients.stratum_names.items() for label in labels]
        names += [f"step={name}" for (name, _), course in zip(self.steps, self.is_course, strict=True) if course]
        return names + [f"modality={name}" for name in self.scenario.pathway.modalities]

    def _groups_of(self, person: Person) -> list[str]:
        emotional = self._conditions(person, "emotional_disorder")
        disorders = self._conditions(person, "emotional_disorder", "dependence")
        groups = ["all", f"emotional_disorders={emotional if emotional < 6 else '6+'}"]
        groups += ["emotional_disorders=3+"] if emotional >= 3 else []
        groups += [f"disorders={disorders if disorders < 8 else '8+'}"]
        groups += ["disorders=0-1"] if disorders < 2 else ["disorders=3+"] if disorders > 2 else []
        for kind in ("dependence", "childhood_abuse"):
            groups.append(f"{kind}={'yes' if self._conditions(person, kind) else 'no'}")
        for name in self.simulation.clients.condition_names:
            groups.append(f"{name}={'yes' if name in person.conditions else 'no'}")
        groups += [f"{kind}={label}" for kind, label in person.strata.items()]
        if person.first_course >= 0:
            groups.append(f"step={self.steps[person.first_course][0]}")
        if person.modality >= 0:
            groups.append(f"modality={list(self.scenario.pathway.modalities)[person.modality]}")
        return groups

    # --- counted for every group --------------------------------------------------------------------------------

    def count(
        self,
        measure: str,
        base: str,
        numerator: Says,
        among: Says,
        at: str = "",
        service: str = "",
        *,
        blank: bool = False,
    ) -> dict[str, Triple]:
        """Sum of the numerator over those in the denominator, for each group; counts of referrals have no denominator."""
        result = {}
        members = {**self.members, **self.bands} if measure in BY_BAND else self.members
        for group in members:
            counted = [numerator(person) for person in members[group] if among(person)]
            triple = (nan, nan, nan) if blank else over(sum(counted), len(counted))
            if measure in ("referrals_received", "finished_course_treatment"):
                triple = float(sum(counted)), nan, float(sum(counted))
            result[group] = triple
            self.put(triple, measure, base, at, service, group)
        return result

    def both(
        self,
        measure: str,
        base: str,
        numerator: Says,
        among: Says,
        at: str = "end",
    ) -> None:
        """With the service, without, and the difference; `numerator` and `among` are asked of a person and a reading.

        Nobody finishes or starts where no contact takes place: there such rows have no value at all.
        """
        blank = base != "referred" and not any(person.contacts for person in self.people)
        results = [
            self.count(
                measure, base, lambda p, s=service: numerator(p, getattr(p, s)), lambda p, s=service: among(p, getattr(p, s)),
                at, service, blank=blank,
            )
            for service in ("service", "none")
        ]  # fmt: skip
        for group in results[0]:
            difference = results[0][group][2] - results[1][group][2]
            self.put((nan, nan, difference), measure, base, at, "difference", group)
            if base == "referred" and measure in HELPED and at != "sustained":
                more = results[0][group][0] - results[1][group][0]
                self.put(over(more, (self.after - self.first) / 365), HELPED[measure], base, at, group=group)

    def official(self) -> None:
        def finished(person: Person, reading: Any = None) -> bool:
            return bool(person.ended_here and person.two)

        self.count("referrals_received", "all", lambda p: 1, lambda p: p.referred_here)
        self.count("finished_course_treatment", "all", lambda p: 1, finished)
        empty = not any(person.contacts for person in self.people)
        self.count("at_caseness", "finished", lambda p: p.case, finished, blank=empty)
        for base, among in self._bases(finished).items():
            self.both("recovery", base, self._recovered_officially, lambda p, r, a=among: a(p, r) and p.case)
            self.both(
                "reliable_recovery", base,
                lambda p, r: self._recovered_officially(p, r) and _change(p, r) == "better",
                lambda p, r, a=among: a(p, r) and p.case,
            )  # fmt: skip
        self.both("improvement", "finished", lambda p, r: _change(p, r) == "better", finished)
        self.both("no_reliable_change", "finished", lambda p, r: _change(p, r) == "none", finished)
        self.both("deterioration", "finished", lambda p, r: _change(p, r) == "worse", finished)
        for name in ("phq9", "gad7"):
            self.count(
                f"first_{name}_mean", "finished", lambda p, n=name: getattr(p, f"first_{n}"), finished, blank=empty
            )
            self.both(f"last_{name}_mean", "finished", lambda p, r, n=name: getattr(r, f"last_{n}"), finished)

    def _recovered_officially(self, person: Person, reading: Any) -> bool:
        """Below both cut-offs at the last of two contacts; where there is no service at all, at the last reading."""
        return bool((person.two or person.way == "no_service") and reading.below)

    @staticmethod
    def _bases(finished: Says) -> dict[str, Callable[..., bool]]:
        return {
            "finished": finished,
            "started": lambda p, r=None: p.referred_here and p.over and p.one,
            "referred": lambda p, r=None: p.referred_here and p.over,
        }

    def a_year_later(self) -> None:
        """Questionnaires at month 12: over the same clients as at the end, by the scores of that day."""

        def finished(person: Person, reading: Any = None) -> bool:
            return bool(person.ended_here and person.two)

        def well(person: Person, reading: Any) -> bool:
            below = reading.month_12_phq9 < 10 and reading.month_12_gad7 < 8
            return bool((person.two or person.way == "no_service") and person.case and below)

        def change(person: Person, reading: Any) -> str:
            return _change_to(person, reading.month_12_phq9, reading.month_12_gad7)

        for base, among in self._bases(finished).items():
            self.both("recovery", base, well, lambda p, r, a=among: a(p, r) and p.case, "month_12")
            self.both(
                "reliable_recovery", base, lambda p, r: well(p, r) and change(p, r) == "better",
                lambda p, r, a=among: a(p, r) and p.case, "month_12",
            )  # fmt: skip
        self.both("improvement", "finished", lambda p, r: change(p, r) == "better", finished, "month_12")
        self.both("deterioration", "finished", lambda p, r: change(p, r) == "worse", finished, "month_12")
        self.both("month_12_phq9_mean", "finished", lambda p, r: r.month_12_phq9, finished, "month_12")
        self.both("month_12_gad7_mean", "finished", lambda p, r: r.month_12_gad7, finished, "month_12")

    def ladder(self) -> None:
        def on_it(person: Person, reading: Any = None) -> bool:
            return bool(person.referred_here and person.over and person.diagnosed and person.case)

        bases: dict[str, Says] = {
            "finished": lambda p, r=None: on_it(p) and p.two,
            "started": lambda p, r=None: on_it(p) and p.one,
            "referred": on_it,
        }
        for base, among in bases.items():
            for rung in RUNGS:
                for at in ("end", "month_12", "sustained"):
                    self.both(rung, base, lambda p, r, a=at, g=rung: getattr(r, a)[g], among, at)
            for j, name in enumerate(self.simulation.clients.disorder_names):
                values = []
                for service in ("service", "none"):
                    had = [p for p in self.people if among(p) and name in p.diagnosed]
                    triple = over(sum(getattr(p, service).without[j] for p in had), len(had))
                    values.append(triple[2])
                    self.put(triple, "disorder_remission", base, "end", service, f"{name}=yes")
                self.put(
                    (nan, nan, values[0] - values[1]), "disorder_remission", base, "end", "difference", f"{name}=yes"
                )
        finishers = bases["finished"]
        self.both(
            "recovered_still_diagnosed", "finished",
            lambda p, r: not r.end["all_remission"], lambda p, r: finishers(p) and p.case and r.below,
        )  # fmt: skip
        self.both(
            "not_recovered_no_diagnosis", "finished",
            lambda p, r: r.end["all_remission"], lambda p, r: finishers(p) and not (p.case and r.below),
        )  # fmt: skip

    def endings(self) -> None:
        def ended(person: Person) -> bool:
            return bool(person.ended_here)

        self.count("ended_before_treatment", "all", lambda p: p.contacts == 0, ended)
        self.count("ended_after_one_contact", "all", lambda p: p.contacts == 1, ended)
        self.count("ended_after_finishing", "all", lambda p: p.two, ended)
        for name, ways in WAYS.items():
            self.count(name, "all", lambda p, w=ways: p.way in w, ended)
        for name, ways in REASONS.items():
            self.count(name, "all", lambda p, w=ways: p.way in w and p.reason_recorded, ended)
        named = {way for name, ways in REASONS.items() for way in ways} - {"incomplete_assessment", "advice"}
        self.count("reason_other", "all", lambda p: not (p.way in named and p.reason_recorded), ended)
        if any(self.is_low):

            def first(person: Person) -> str:
                if not (person.ended_here and person.two) or person.first_course < 0:
                    return "none"
                return "low" if self.is_low[person.first_course] else "high"

            empty = not any(person.contacts for person in self.people)
            self.count(
                "low_intensity_first",
                "finished",
                lambda p: first(p) == "low",
                lambda p: first(p) != "none",
                blank=empty,
            )
            self.count("stepped_up", "finished", lambda p: p.stepped_up, lambda p: first(p) == "low", blank=empty)
            self.count("stepped_down", "finished", lambda p: p.stepped_down, lambda p: first(p) == "high", blank=empty)
        self.count("unfinished", "referred", lambda p: not p.over, lambda p: p.referred_here)
        self.count("right_target", "referred", lambda p: p.right_target, lambda p: p.referred_here)

    # --- one number each ------------------------------------------------------------------------------------------

    def population(self) -> None:
        referred = [person for person in self.people if person.referred_here]
        for group in self.groups:
            if not group.startswith("step="):
                here = sum(group in person.groups for person in referred)
                self.put(over(here, len(referred)), "share_of_clients", "referred", group=group)
        for name in self.simulation.clients.disorder_names:
            here = sum(name in person.diagnosed for person in referred)
            self.put(over(here, len(referred)), "share_at_interview", "referred", group=f"{name}=yes")

    def spread(self, name: str, base: str, numbers: Iterable[int], group: str = "all", *, tail: bool = True) -> None:
        ordered = sorted(numbers)
        self.put(over(sum(ordered), len(ordered)), f"{name}_mean", base, group=group)
        for what, tenths in (("median", 5), ("90th_percentile", 9))[: 1 + tail]:
            value = ordered[ceil(tenths * len(ordered) / 10) - 1] if ordered else nan
            self.put((nan, len(ordered), value), f"{name}_{what}", base, group=group)

    def waits(self) -> None:
        first = [p.first_contact_day - p.referral_day for p in self.people if self.inside(p.first_contact_day)]
        self.spread("first_contact_days", "started", first)
        for name, most in (("28_days", 28), ("6_weeks", 42), ("18_weeks", 126)):
            self.put(over(sum(d <= most for d in first), len(first)), f"first_contact_within_{name}", "started")
        had_second = [p for p in self.people if self.inside(p.second_contact_day)]
        second = [p.second_contact_day - p.first_contact_day for p in had_second]
        self.spread("second_contact_days", "finished", second)
        for most in (28, 90):
            self.put(over(sum(d > most for d in second), len(second)), f"second_contact_over_{most}_days", "finished")
        for intensity, low in (("low", True), ("high", False)):
            days = [
                d for p, d in zip(had_second, second, strict=True)
                if p.first_course >= 0 and self.is_low[p.first_course] == low
            ]  # fmt: skip
            self.put(over(sum(days), len(days)), "treatment_wait_days_mean", "finished", group=f"intensity={intensity}")
        up = [p.step_up_wait_days for p in self.people if p.ended_here and p.step_up_wait_days != NOT_YET]
        self.put(over(sum(up), len(up)), "step_up_wait_days_mean", "finished")
        for s, (name, _) in enumerate(self.steps):
            days = [e.started - e.joined for e in self._episodes() if e.step == s and self.inside(e.started)]
            self.spread("wait_days", "started", days, f"step={name}")

    def _episodes(self) -> list[SimpleNamespace]:
        table = self.simulation.episodes
        columns = (table.client, table.step, table.joined_day, table.started_day, table.ended_day, table.ending)
        return [
            SimpleNamespace(client=client, step=step, joined=joined, started=started, ended=ended, ending=ending)
            for client, step, joined, started, ended, ending in zip(*(c.tolist() for c in columns), strict=True)
        ]

    def contacts(self) -> None:
        ended = [p for p in self.people if p.ended_here]
        finished = [p for p in ended if p.two]
        self.spread("contacts", "finished", [p.contacts for p in finished], tail=False)
        for s, (name, _) in enumerate(self.steps):
            if self.is_course[s]:
                self.spread(
                    "contacts",
                    "finished",
                    [p.sessions[s] for p in finished if p.sessions[s]],
                    f"step={name}",
                    tail=False,
                )
        coded: dict[str, list[int]] = {"low": [], "high": []}
        for p in finished:
            low = sum(n for n, is_low in zip(p.sessions, self.is_low, strict=True) if is_low)
            coded["high"].append(sum(p.sessions) - low)
            coded["low"].append(low + int(p.assessment_coded_low and p.first_course >= 0))
        for intensity, numbers in coded.items():
            some = [n for n in numbers if n]
            self.put(over(sum(some), len(some)), "coded_contacts_mean", "finished", group=f"intensity={intensity}")
        kinds = {kind: sum(getattr(p, kind) for p in ended) for kind in MISSED}
        booked = sum(kinds.values()) + sum(p.contacts for p in ended)
        for kind, number in kinds.items():
            self.put(over(number, booked), kind, "all")
        self.put(over(sum(kinds.values()), booked), "missed_contacts", "all")
        care, days, gaps = self.simulation.care, 0, 0
        for e in self._episodes():
            if self.is_course[e.step] and e.started != NOT_YET and self.inside(e.ended):
                between = int(care.attended[e.client, e.step]) - 1
                if between:
                    gaps += between
                    days += e.ended - e.started - int(care.lag_days[e.client, e.step])
        self.put(over(days, gaps), "days_between_contacts_mean", "courses")

    def courses(self) -> None:
        scores = self.simulation.outcomes.course_scores
        names = [f.name for f in fields(scores)]
        columns = [getattr(scores, name).tolist() for name in names]
        every = [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
        for group, wanted in (("all", (True, False)), ("intensity=low", (True,)), ("intensity=high", (False,))):
            some = [c for c in every if c.sessions >= 2 and self.is_low[c.step] in wanted]
            n = len(some)
            for name in ("first_phq9", "first_gad7", "last_phq9", "last_gad7"):
                points = [getattr(c, name) for c in some]
                mean = sum(points) / n if n else nan
                sd = sqrt(sum((p - mean) ** 2 for p in points) / n) if n else nan
                self.put(over(sum(points), n), f"course_{name}_mean", "courses", group=group)
                self.put((nan, n, sd), f"course_{name}_sd", "courses", group=group)
            cases = [c for c in some if c.first_phq9 >= 10 or c.first_gad7 >= 8]
            well = sum(c.last_phq9 < 10 and c.last_gad7 < 8 for c in cases)
            self.put(over(len(cases), n), "course_at_caseness", "courses", group=group)
            self.put(over(well, len(cases)), "course_recovery", "courses", group=group)

    def places(self) -> None:
        capacity = self.simulation.capacity
        staffed = capacity.places if capacity.staffed is None else capacity.staffed
        working = working_days(self.scenario).tolist()
        length = self.after - self.first
        held, waiting = days_held_and_waiting(self.simulation, self.first, self.after)
        for s, (name, _) in enumerate(self.steps):
            counted = [d for d in range(length) if self.is_course[s] or working[self.first + d]]
            used = sum(held[s][d] for d in counted)
            there = sum(int(staffed[self.first + d, s]) for d in counted)
            self.put(over(used, there), "utilisation", "all", group=f"step={name}")
            self.put(over(sum(waiting[s]), length), "waiting_list", "all", group=f"step={name}")
            middle, mean = (length - 1) / 2, sum(waiting[s]) / length
            slope = sum((d - middle) * (n - mean) for d, n in enumerate(waiting[s]))
            slope = slope / sum((d - middle) ** 2 for d in range(length)) if length > 1 else nan
            self.put((nan, nan, 7 * slope), "waiting_list_growth", "all", group=f"step={name}")

    # --- money ----------------------------------------------------------------------------------------------------

    def costs(self) -> None:
        payers = [p for p in self.people if p.ended_here]
        attended, missed, idle = self._prices(payers)
        for p in payers:
            p.pounds = sum(attended[s] * p.attended_at[s] + missed[s] * p.missed_at[s] for s in range(len(self.steps)))
        groups = {group: [p for p in self.members[group] if p.ended_here] for group in self.groups}
        begun = [p for p in payers if p.first_course >= 0]
        unmoved = [p for p in begun if not (p.stepped_up or p.stepped_down)]
        groups["course=low intensity only"] = [p for p in unmoved if self.is_low[p.first_course]]
        groups["course=high intensity only"] = [p for p in unmoved if not self.is_low[p.first_course]]
        groups["course=stepped up"] = [p for p in payers if p.stepped_up]
        groups["course=stepped down"] = [p for p in payers if p.stepped_down]
        for group, members in groups.items():
            for base, chosen in (
                ("finished", [p for p in members if p.two]), ("started", [p for p in members if p.one]), ("referred", members),
            ):  # fmt: skip
                money = sum(p.pounds for p in chosen)
                if base == "referred":
                    money += idle * len(members) / len(payers) if payers else 0.0
                    self.put(over(money, len(members)), "cost_per_referral", base, group=group)
                self.put(over(money, sum(p.two for p in chosen)), "cost_per_finished_course", base, group=group)
                self.qalys(money, base, group, chosen)
                self._per(
                    money,
                    "recovery",
                    base,
                    "end",
                    group,
                    chosen,
                    lambda p, r: p.case and self._recovered_officially(p, r),
                )
                for rung in RUNGS:
                    for at in ("end", "month_12", "sustained"):
                        self._per(
                            money, rung, base, at, group, chosen,
                            lambda p, r, a=at, g=rung: bool(p.diagnosed) and p.case and getattr(r, a)[g],
                        )  # fmt: skip

    def qalys(self, money: float, base: str, group: str, chosen: list[Person]) -> None:
        """QALYs of the year from referral with the service and without, the difference, and pounds for each more."""
        for person in chosen:
            if not hasattr(person, "qalys"):
                person.qalys = {service: self._qalys_of(person, service) for service in ("service", "none")}
        sums = {service: sum(p.qalys[service] for p in chosen) for service in ("service", "none")}
        for service, total in sums.items():
            self.put(over(total, len(chosen)), "qalys_mean", base, "", service, group)
        more = sums["service"] - sums["none"]
        mean = more / len(chosen) if chosen else nan
        self.put((nan, nan, mean), "qalys_mean", base, "", "difference", group)
        self.put(over(money, more) if more > 0 else (money, more, nan), "cost_per_qaly", base, group=group)

    def _qalys_of(self, person: Person, service: str) -> float:
        """The utility at noon of each of 365 days, a 365th each, in whole millionths as the package counts them."""
        outcome, utilities = self.scenario.outcome, self.scenario.costs.utilities
        begin, last, end = (
            day - person.referral_day for day in (person.first_contact_day, person.last_contact_day, person.end_day)
        )
        if person.first_contact_day == NOT_YET:
            begin, last, end = 0, outcome.measured_after_days, outcome.measured_after_days
        if outcome.read_everybody_after_days is not None:
            last = end = outcome.read_everybody_after_days
        scores = getattr(self.simulation.outcomes, service)
        names = ("remission", "minor", "mild", "moderate", "severe")

        def worth(phq9: int) -> float:
            return float(getattr(utilities, names[min(phq9 // 5, 4)]).value)

        first, late, later = worth(person.first_phq9), *(
            worth(int(column[person.row])) for column in (scores.last_phq9, scores.month_12_phq9)
        )  # fmt: skip
        total = 0.0
        for day in range(365):
            noon = day + 0.5
            if noon < begin:
                total += first
            elif noon < last:
                total += first + (late - first) * (noon - begin) / (last - begin)
            else:
                total += late + (later - late) * (noon - last) / (end + 365 - last)
        return round(total / 365 * 1_000_000) / 1_000_000

    def _per(
        self,
        money: float,
        name: str,
        base: str,
        at: str,
        group: str,
        chosen: list[Person],
        reached: Says,
    ) -> None:
        with_service = sum(bool(reached(p, p.service)) for p in chosen)
        untreated = sum(bool(reached(p, p.none)) for p in chosen)
        self.put(over(money, with_service), f"cost_per_{name}", base, at, group=group)
        more = with_service - untreated
        extra = over(money, more) if more > 0 else (money, more, nan)
        self.put(extra, f"cost_per_extra_{name}", base, at, group=group)

    def _prices(self, payers: list[Person]) -> tuple[list[float], list[float], float]:
        """Pounds for an attended and for a missed contact at each step, and for staff who saw nobody."""
        costs, n_steps = self.scenario.costs, len(self.steps)
        if self.scenario.pathway.policy == "no_service":
            return [0.0] * n_steps, [0.0] * n_steps, 0.0

        def today(pounds: float, year: float) -> float:
            return pounds * costs.index[str(costs.report_year)].value / costs.index[str(int(year))].value

        times = [step.staff_time_per_contact.value if step.kind == "course" else 1.0 for _, step in self.steps]
        if costs.basis == "sessions":
            price, year = costs.sessions, costs.sessions.price_year.value
            each = []
            for s, time in enumerate(times):
                low, high = price.low_intensity.value, price.high_intensity.value
                pounds = (low if self.is_low[s] else high) if self.is_course[s] else price.assessment.value
                each.append(today(pounds, year) * time)
            return each, [price.missed_share.value * pounds for pounds in each], 0.0
        in_post = self.simulation.capacity.in_post
        assert in_post is not None
        each, idle = [0.0] * n_steps, 0.0
        for k, kind in enumerate(self.scenario.staff):
            of_kind = costs.wte.per_year.get(kind, costs.wte.per_year["default"]).value
            paid = today(of_kind, costs.wte.price_year.value) * sum(in_post[self.first : self.after, k].tolist()) / 365
            theirs = [s for s, (_, step) in enumerate(self.steps) if step.staff == kind]
            given = sum(times[s] * (p.attended_at[s] + p.missed_at[s]) for p in payers for s in theirs)
            if not given:
                idle += paid
            for s in theirs if given else []:
                each[s] = times[s] * paid / given
        return each, each, idle


def days_held_and_waiting(simulation: Simulation, first: int, after: int) -> tuple[list[list[int]], list[list[int]]]:
    """Clients holding a place, and waiting, at the end of each day from `first` to before `after`: step by step, day by day."""
    table, n_steps = simulation.episodes, len(simulation.scenario.steps)
    held, waiting = ([[0] * (after - first) for _ in range(n_steps)] for _ in range(2))
    columns = (table.step, table.joined_day, table.started_day, table.ended_day)
    for step, joined, started, ended in zip(*(c.tolist() for c in columns), strict=True):
        gone = after if ended == NOT_YET else ended
        off_the_list = gone if started == NOT_YET else started
        for day in range(max(joined, first), min(off_the_list, after)):
            waiting[step][day - first] += 1
        for day in range(max(off_the_list, first), min(gone, after)):
            held[step][day - first] += started != NOT_YET
    return held, waiting


def _change(person: Person, reading: Any) -> str:
    """Reliable change, as published: PHQ-9 by 6 or GAD-7 by 4 one way, and neither the other way."""
    return _change_to(person, reading.last_phq9, reading.last_gad7)


def _change_to(person: Person, last_phq9: int, last_gad7: int) -> str:
    phq9, gad7 = last_phq9 - person.first_phq9, last_gad7 - person.first_gad7
    better, worse = phq9 <= -6 or gad7 <= -4, phq9 >= 6 or gad7 >= 4
    return "none" if better == worse else "better" if better else "worse"


def _band_members(people: list[Person]) -> dict[str, list[Person]]:
    """Groups by how people came and what became of them, in which official figures and rungs alone are counted."""
    names = [f"first_phq9={label}" for label in ("0-4", "5-9", "10-14", "15-19", "20-27")]
    names += [f"first_gad7={label}" for label in ("0-4", "5-9", "10-14", "15-21")]
    names += [f"sessions={label}" for label in ("0", "1", "2-4", "5-8", "9+")]
    names += [f"wait={label}" for label in ("within_6_weeks", "6-18_weeks", "over_18_weeks")]
    names += [f"second_wait={label}" for label in ("within_28_days", "29-90_days", "over_90_days")]
    names += [f"ended={label}" for label in ("as_planned", "dropped_out", "gave_up", "no_course")]
    members: dict[str, list[Person]] = {name: [] for name in [*names, "lot=1", "lot=2"]}
    for person in people:
        for band in _bands_of(person):
            members[band].append(person)
    return members


def _bands_of(p: Person) -> list[str]:
    n = sum(p.sessions)
    phq9 = "20-27" if p.first_phq9 >= 20 else f"{p.first_phq9 // 5 * 5}-{p.first_phq9 // 5 * 5 + 4}"
    gad7 = "15-21" if p.first_gad7 >= 15 else f"{p.first_gad7 // 5 * 5}-{p.first_gad7 // 5 * 5 + 4}"
    sessions = "9+" if n > 8 else "5-8" if n > 4 else "2-4" if n > 1 else str(n)
    bands = [f"first_phq9={phq9}", f"first_gad7={gad7}", f"sessions={sessions}", f"lot={p.lot}"]
    if p.first_contact_day != NOT_YET:
        days = p.first_contact_day - p.referral_day
        bands.append(f"wait={'within_6_weeks' if days <= 42 else '6-18_weeks' if days <= 126 else 'over_18_weeks'}")
    if p.second_contact_day != NOT_YET:
        days = p.second_contact_day - p.first_contact_day
        label = "within_28_days" if days <= 28 else "29-90_days" if days <= 90 else "over_90_days"
        bands.append(f"second_wait={label}")
    if p.way in ("dropped_out", "gave_up"):
        bands.append(f"ended={p.way}")
    elif p.way != "not_yet":
        bands.append("ended=as_planned" if p.way == "finished" else "ended=no_course")
    return bands


def _people(simulation: Simulation) -> list[Person]:
    """One client each, with everything that the tables say of them."""
    clients, care, out = simulation.clients, simulation.care, simulation.outcomes
    table: dict[str, list[Any]] = {}
    for f in fields(Outcomes):
        if f.name not in ("course_scores", "service", "none", "diagnosed"):
            table[f.name] = getattr(out, f.name).tolist()
    for name in ("modality", "reason_recorded", "assessment_coded_low", "right_target", "lot"):
        table[name] = getattr(care, name).tolist()
    table["referral_day"] = clients.referral_day.tolist()
    people = [Person(**dict(zip(table, row, strict=True))) for row in zip(*table.values(), strict=True)]
    readings = {service: _readings(getattr(out, service)) for service in ("service", "none")}
    n_steps = len(simulation.scenario.steps)
    missed = care.missed.tolist()
    for i, person in enumerate(people):
        person.row = i
        person.conditions = {
            n for n, has in zip(clients.condition_names, clients.conditions[i].tolist(), strict=True) if has
        }
        person.diagnosed = {n for n, has in zip(clients.disorder_names, out.diagnosed[i].tolist(), strict=True) if has}
        person.strata = {name: clients.stratum_names[name][int(column[i])] for name, column in clients.strata.items()}
        person.service, person.none = readings["service"][i], readings["none"][i]
        person.attended_at = list(person.sessions)
        if n_steps:
            person.attended_at[0] += person.contacts - sum(person.sessions)  # the first step is the assessment
        person.missed_at = [0] * n_steps
    episodes = simulation.episodes
    columns = (episodes.client, episodes.step, episodes.started_day, episodes.ended_day)
    for client, step, started, ended in zip(*(c.tolist() for c in columns), strict=True):
        if started != NOT_YET and ended != NOT_YET:
            people[client].missed_at[step] += missed[client][step]
    return people


def _readings(reading: Reading) -> list[SimpleNamespace]:
    phq9, gad7, without = reading.last_phq9.tolist(), reading.last_gad7.tolist(), reading.without.tolist()
    year_phq9, year_gad7 = reading.month_12_phq9.tolist(), reading.month_12_gad7.tolist()
    rungs = {
        at: {rung: getattr(reading, at)[rung].tolist() for rung in RUNGS} for at in ("end", "month_12", "sustained")
    }
    return [
        SimpleNamespace(
            last_phq9=phq9[i], last_gad7=gad7[i], without=without[i], below=phq9[i] < 10 and gad7[i] < 8,
            month_12_phq9=year_phq9[i], month_12_gad7=year_gad7[i],
            **{at: {rung: column[i] for rung, column in by_rung.items()} for at, by_rung in rungs.items()},
        )
        for i in range(len(phq9))
    ]  # fmt: skip
