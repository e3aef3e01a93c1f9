"""What it costs: by hand for three clients, both bases, inflation, what has no value, and a service's share of a grant."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from caseload_sim.cli.show import print_costs
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import ScenarioError
from caseload_sim.experiments.replicate import Results, replicate, simulate
from caseload_sim.measures.costs import staff_pounds
from caseload_sim.measures.measure import measure
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.outcomes import Outcomes
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.costs import extra_wte, financial_year
from caseload_sim.scenario.scenario import Scenario
from three_clients import PRICES, hand_made

DOCS = Path(__file__).parents[2] / "docs"
EXTRA = get_scenario("extra_38m")


@pytest.fixture(scope="module")
def tiny(small: Scenario) -> Simulation:
    return hand_made(simulate(small.with_changes(PRICES)))


def costs_of(simulation: Simulation) -> dict[Quantity, Value]:
    return {key: value for key, value in measure(simulation).items() if key.measure.startswith("cost_per_")}


def value(table: dict[Quantity, Value], name: str, base: str, at: str = "", group: str = "all") -> float:
    return table[Quantity(name, base, at, "", group)].value


def test_three_clients_by_hand(tiny: Simulation) -> None:
    table = costs_of(tiny)
    first = 50 + 4 * 100 + 0.5 * 100
    second = 50 + 5 * 0.2 * 100 + 10 * 200 + 2 * 0.5 * 200  # a group of ten with two takes a fifth of a contact
    third = 50
    assert value(table, "cost_per_referral", "referred") == pytest.approx((first + second + third) / 3)
    assert value(table, "cost_per_finished_course", "finished") == pytest.approx((first + second) / 2)
    assert value(table, "cost_per_finished_course", "started") == pytest.approx((first + second + third) / 2)
    assert value(table, "cost_per_recovery", "finished", "end") == pytest.approx(first + second)
    assert value(table, "cost_per_recovery", "referred", "end") == pytest.approx(first + second + third)
    assert value(table, "cost_per_principal_remission", "finished", "end") == pytest.approx((first + second) / 2)
    assert value(table, "cost_per_full_remission", "finished", "sustained") == pytest.approx(first + second)
    assert value(table, "cost_per_extra_principal_remission", "finished", "end") == pytest.approx(first + second)
    got = {name: value(table, "cost_per_finished_course", "finished", group=f"course={name}")
           for name in ("low intensity only", "stepped up", "high intensity only")}  # fmt: skip
    assert got == pytest.approx(
        {"low intensity only": first, "stepped up": second, "high intensity only": np.nan}, nan_ok=True
    )
    rows = table[Quantity("cost_per_recovery", "finished", "end", "", "course=low intensity only")]
    assert (rows.numerator, rows.denominator) == (first, 1)


def test_what_nobody_reaches_has_no_price_and_what_nothing_is_added_to_neither(tiny: Simulation) -> None:
    out: Outcomes = tiny.outcomes
    nobody = {name: np.zeros_like(flags) for name, flags in out.service.end.items()}
    worse = replace(tiny, outcomes=replace(out, service=replace(out.service, end=nobody)))
    table = costs_of(worse)
    assert np.isnan(value(table, "cost_per_principal_remission", "finished", "end"))
    below = table[Quantity("cost_per_extra_principal_remission", "finished", "end", "", "all")]
    assert below.denominator == -1, "fewer than untreated"
    assert np.isnan(below.value)
    equal = table[Quantity("cost_per_extra_full_remission", "finished", "end", "", "all")]
    assert equal.denominator == 0
    assert np.isnan(equal.value)
    free = dict.fromkeys([name for name in PRICES if name.startswith("costs.sessions.")], 0)
    for_nothing = costs_of(replace(tiny, scenario=tiny.scenario.with_changes(free)))
    assert value(for_nothing, "cost_per_extra_recovery", "finished", "end") == 0, "no cost is a price too"
    nothing_ended = replace(out, end_day=np.full_like(out.end_day, NOT_YET))
    assert all(np.isnan(one.value) for one in costs_of(replace(tiny, outcomes=nothing_ended)).values())


def test_inflation_multiplies_every_price_by_the_ratio_of_two_years(tiny: Simulation) -> None:
    as_2012 = costs_of(tiny)
    scenario = tiny.scenario.with_changes({"costs.report_year": 2017, "costs.index.2017": 150, "costs.index.2012": 120})
    as_2017 = costs_of(replace(tiny, scenario=scenario))
    for key, before in as_2012.items():
        assert as_2017[key].value == pytest.approx(1.25 * before.value, nan_ok=True)
        assert as_2017[key].denominator == before.denominator
    assert financial_year(1999) == "1999-00"


def test_by_staff_the_money_is_what_those_in_post_cost_and_nothing_is_lost(small: Scenario) -> None:
    """Without turnover the sum is posts times pounds times years, whoever is seen; here 200 of 365 days."""
    changes = {"costs.basis": "wte", "costs.report_year": 2012, "costs.wte.price_year": 2012,
               "costs.wte.per_year.assessor": 10_000, "costs.wte.per_year.default": 0,
               "costs.wte.per_year.psychological_wellbeing_practitioner": 20_000,
               "costs.wte.per_year.high_intensity_therapist": 30_000}  # fmt: skip
    simulation = simulate(small.with_changes(changes))
    by_hand = (1.4 * 10_000 + 1.4 * 20_000 + 2.5 * 30_000) * 200 / 365
    assert sum(staff_pounds(simulation.scenario, simulation.capacity).values()) == pytest.approx(by_hand)
    table = costs_of(simulation)
    whole = table[Quantity("cost_per_referral", "referred", "", "", "all")]
    assert whole.numerator == pytest.approx(by_hand)
    run, end_day = small.run, simulation.outcomes.end_day
    assert whole.denominator == np.sum((end_day >= run.warm_up_days) & (end_day < run.warm_up_days + 200))
    for condition in ("ptsd", "personality_disorder"):
        parts = [
            table[Quantity("cost_per_referral", "referred", "", "", f"{condition}={answer}")]
            for answer in ("yes", "no")
        ]
        assert sum(part.numerator for part in parts) == pytest.approx(by_hand)


def test_staff_who_see_nobody_cost_all_referrals_alike(tiny: Simulation) -> None:
    out = tiny.outcomes
    no_high = out.sessions.copy()
    no_high[1, tiny.scenario.steps.index("high_intensity")] = 0
    care = replace(tiny.care, missed=np.zeros_like(tiny.care.missed))
    scenario = tiny.scenario.with_changes({"costs.basis": "wte"})
    changed = replace(
        tiny, scenario=scenario, care=care, outcomes=replace(out, sessions=no_high, contacts=np.where(no_high.sum(axis=1) > 0, 1, 0).astype(np.int32) + no_high.sum(axis=1, dtype=np.int32))
    )  # fmt: skip
    table, pounds = costs_of(changed), staff_pounds(changed.scenario, changed.capacity)
    assert table[Quantity("cost_per_referral", "referred", "", "", "all")].numerator == pytest.approx(
        sum(pounds.values())
    )
    finished = table[Quantity("cost_per_finished_course", "finished", "", "", "all")].numerator
    assert finished == pytest.approx(sum(pounds.values()) - pounds["high_intensity_therapist"])


def test_a_group_bears_its_share_of_idle_staff_by_its_referrals(tiny: Simulation) -> None:
    """Nobody was seen at high intensity. Of three referrals client 0 alone had low intensity only: a third of what that cost.

    Of the assessor's two contacts one is hers; of the practitioner's 4 sessions and 5 of a fifth of a session, 4 in 5.
    """
    out = tiny.outcomes
    sessions, first = out.sessions.copy(), np.arange(len(out.end_day)) < 2
    sessions[1, tiny.scenario.steps.index("high_intensity")] = 0
    contacts = first + sessions.sum(axis=1, dtype=np.int32)
    scenario = tiny.scenario.with_changes({"costs.basis": "wte"})
    changed = replace(
        tiny,
        scenario=scenario,
        care=replace(tiny.care, missed=np.zeros_like(tiny.care.missed)),
        outcomes=replace(out, sessions=sessions, contacts=contacts.astype(out.contacts.dtype)),
    )
    pounds = staff_pounds(scenario, changed.capacity)
    assessing, low, high = (pounds[kind] for kind in scenario.staff)
    table = costs_of(changed)
    for group, by_hand in (
        ("course=low intensity only", assessing / 2 + low * 4 / 5 + high / 3),
        ("course=stepped up", assessing / 2 + low / 5 + high / 3),
        ("course=high intensity only", 0),
        ("all", assessing + low + high),
    ):
        row = table[Quantity("cost_per_referral", "referred", "", "", group)]
        assert row.numerator == pytest.approx(by_hand), group
    assert high > 1000


def test_the_money_counted_client_by_client(small_simulation: Simulation) -> None:
    simulation, total = small_simulation, 0.0
    run, out, costs = simulation.scenario.run, simulation.outcomes, simulation.scenario.costs
    each = {"low_intensity": 99.0, "group": 99 * 0.2, "internet_guided": 99 * 0.3, "high_intensity": 177.0}
    for i in range(len(out.end_day)):
        if run.warm_up_days <= out.end_day[i] < run.warm_up_days + run.data_collection_days:
            by_step = dict(zip(simulation.scenario.steps, out.sessions[i].tolist(), strict=True))
            total += 99.0 * (out.contacts[i] - sum(by_step.values()))
            total += sum(price * by_step[name] for name, price in each.items())
    got = costs_of(simulation)[Quantity("cost_per_referral", "referred", "", "", "all")].numerator
    assert got == pytest.approx(total * costs.index["2024"].value / costs.index["2012"].value)


@pytest.mark.parametrize("basis", ["sessions", "wte"])
def test_without_a_service_there_is_no_cost(basis: str) -> None:
    changes = {"demand.referrals_per_year": 500, "costs.basis": basis}
    results = replicate(get_scenario("no_service", changes=changes), replications=1)
    assert results.find("cost_per_referral").value == 0
    assert results.find("cost_per_full_remission", base="referred", at="end").value == 0
    assert np.isnan(results.find("cost_per_recovery", base="finished").value)
    assert np.isnan(results.find("cost_per_extra_full_remission", base="referred", at="end").value)


def test_providers_are_pooled_with_their_staff(small: Scenario) -> None:
    providers = {"number": 2, "staff_log_sd": {"value": 0.0, "assumption": "alike"}}
    simulation = replicate(small.with_changes({"providers": providers, "costs.basis": "wte"}), replications=1).first
    assert sum(staff_pounds(simulation.scenario, simulation.capacity).values()) == pytest.approx(
        2 * (2.8 * 60_000 + 2.5 * 90_000) * 200 / 365
    ), "twice the posts, since each provider has the scenario's"


def test_what_a_year_of_staff_costs_must_name_staff_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    head = 'extends = "hepgul_2016"\n'
    cases = {
        "[costs.wte.per_year]\nhigh_intensity_therapists = { value = 1, assumption = 'x' }": "costs.wte.per_year.high_intensity_therapists: 'high_intensity_therapists' is not a known kind of staff. Did you mean 'high_intensity_therapist'?",
        "[costs]\nreport_year = 2031": "index has no 2031; it has 2008,",
        "[costs.sessions]\nprice_year = { value = 2012.5, assumption = 'x' }": "2012.5 is not a year",
        "[costs]\nbasis = 'session'": "it must be 'sessions' or 'wte'",
        "[costs.sessions]\nmissed_share = { value = 1.5, assumption = 'x' }": "out of range; it must be at most 1",
        "[costs.wte.per_year]\nreplace = true\nassessor = { value = 1, assumption = 'x' }": "says nothing of 'psychological_wellbeing_practitioner'",
        "[costs.grant]\ngbp_a_year = { value = 1, assumption = 'x' }\nprice_year = { value = 2021, assumption = 'x' }\nnational_referrals = { value = 5, assumption = 'x' }\nshared_among = ['nurse']": "'nurse' is not a known kind of staff",
    }  # fmt: skip
    for text, message in cases.items():
        file.write_text(head + text, encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            load_scenario(file)
        assert message in str(caught.value)
        assert "mine.toml:" in str(caught.value)


def test_the_table_fits_80_columns_and_states_prices_and_basis(
    small_results: Results, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_costs(small_results.rows, small_results.scenario.costs)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "pounds at 2024-25 prices, each contact at a price" in text
    assert "Prices are of 2012-13, times 1.39" in " ".join(text.split())
    by_staff = small_results.scenario.with_changes({"costs.basis": "wte"}).costs
    print_costs(small_results.rows, by_staff)
    text = capsys.readouterr().out
    assert "by staff in post" in text
    assert "Prices are of 2024-25:" in " ".join(text.split())


def test_the_generated_tables_of_the_costs_page_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("refresh", DOCS / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)
    page = (DOCS / "costs.md").read_text(encoding="utf-8")
    assert page == refresh.costs_page(), "run python docs/refresh.py"
    assert page.count("| course ") == 5


# --- a service's share of 38 million ------------------------------------------------------------------------------------


def test_the_posts_of_extra_38m_follow_from_the_numbers_in_its_file() -> None:
    """Recomputed here step by step; extra_wte, which scenarios of one's own can use, agrees."""
    before, costs = get_scenario("national_2024_25"), EXTRA.costs
    assert costs.grant is not None
    share = EXTRA.demand.referrals_per_year.value / costs.grant.national_referrals.value
    in_prices_of_staff = costs.index["2024"].value / costs.index["2021"].value
    money = costs.grant.gbp_a_year.value * share * in_prices_of_staff
    kinds = ("psychological_wellbeing_practitioner", "high_intensity_therapist")
    posts = {kind: before.staff[kind].wte.value for kind in kinds}
    payroll = sum(costs.wte.of(kind) * wte for kind, wte in posts.items())
    bought = extra_wte(costs, EXTRA.demand.referrals_per_year.value, posts)
    for kind, wte in posts.items():
        assert EXTRA.staff[kind].wte.value == pytest.approx(wte * (1 + money / payroll), abs=0.005), (
            f"staff.{kind}.wte of extra_38m.toml must be {wte * (1 + money / payroll):.2f}"
        )
        assert bought[kind] == pytest.approx(wte * money / payroll)
    assert sum(costs.wte.of(kind) * more for kind, more in bought.items()) == pytest.approx(money), "all of it is spent"
    assert EXTRA.staff["assessor"] == before.staff["assessor"]
