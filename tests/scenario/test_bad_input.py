"""Whatever a user gets wrong ends in one clear error that says where, what, and what to do."""

import json
from datetime import date
from pathlib import Path

import pytest

from caseload_sim.errors import CaseloadError, CatalogueError, ScenarioError
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios, load_scenario
from caseload_sim.scenario.changes import parse_value
from caseload_sim.scenario.service import MonthlyIndex

HEAD = 'extends = "hepgul_2016"\n'
PREVALENCE = HEAD + "[population.prevalence]\n"

FILES = {
    "misspelt condition": (
        PREVALENCE + 'major_depresion = { value = 0.3, assumption = "x" }',
        r"mine.toml:3: population.prevalence.major_depresion: not a known condition. Did you mean 'major_depression'?",
    ),
    "misspelt key": (
        HEAD + '[pathway]\n\npolicyy = "stepped"',
        "mine.toml:4: pathway.policyy: not a known key. Did you mean 'policy'?",
    ),
    "misspelt section": (
        HEAD + "[populations]\nx = 1", "mine.toml:2: populations: not a known key. Did you mean 'population'?"
    ),
    "misspelt policy": (
        HEAD + '[pathway]\npolicy = "steppd"',
        "mine.toml:3: pathway.policy: 'steppd' is not a known policy. Did you mean 'stepped'?",
    ),
    "misspelt step": (
        HEAD + '[pathway.steps.low_intensity]\nsteps_up_to = "hihg_intensity"',
        "mine.toml:3: pathway.steps.low_intensity.steps_up_to: 'hihg_intensity' is not a known other step. "
        "Did you mean 'high_intensity'?",
    ),
    "misspelt source": (
        PREVALENCE + 'ptsd = { value = 0.3, source = "hepgul2015", where = "x" }',
        "mine.toml:3: population.prevalence.ptsd.source: 'hepgul2015' is not a known source. Did you mean 'hepgul2016'?",
    ),
    "prevalence above 1": (
        PREVALENCE + 'ptsd = { value = 1.3, assumption = "x" }',
        "mine.toml:3: population.prevalence.ptsd.value: 1.3 is out of range; it must be at most 1.",
    ),
    "prevalence below 0": (
        PREVALENCE + 'ptsd = { value = -0.1, assumption = "x" }',
        "mine.toml:3: population.prevalence.ptsd.value: -0.1 is out of range; it must be at least 0.",
    ),
    "prevalence too near 0": (
        PREVALENCE + 'ptsd = { value = 0.001, assumption = "x" }',
        "mine.toml:3: population.prevalence.ptsd.value: 0.001 is too close to 0",
    ),
    "nan": (PREVALENCE + 'ptsd = { value = nan, assumption = "x" }', "nan is not allowed here; it must be a finite number"),
    "infinity": (PREVALENCE + 'ptsd = { value = inf, assumption = "x" }', "inf is not allowed here; it must be a finite"),
    "boolean": (PREVALENCE + 'ptsd = { value = true, assumption = "x" }', "True is not allowed here; it must be a number"),
    "string": (PREVALENCE + 'ptsd = { value = "0.3", assumption = "x" }', "'0.3' is not allowed here; it must be a number"),
    "bare number": (
        HEAD + "[staff.assessor]\nwte = 3",
        "mine.toml:3: staff.assessor.wte: 3 is not allowed here; it must be a table such as { value = 0.5",
    ),
    "negative staff": (
        HEAD + '[staff.assessor]\nwte = { value = -3, assumption = "x" }',
        "mine.toml:3: staff.assessor.wte.value: -3 is out of range; it must be at least 0.",
    ),
    "no origin": (
        HEAD + "[staff.assessor]\nwte = { value = 3 }",
        "mine.toml:3: staff.assessor.wte: a number needs either `source` with `where`, or `assumption`, or `fitted`.",
    ),
    "source without where": (
        HEAD + '[staff.assessor]\nwte = { value = 3, source = "nhse2025" }',
        "mine.toml:3: staff.assessor.wte: a number with a `source` also says `where` in it.",
    ),
    "fractional seed": (HEAD + "[run]\nseed = 1.5", "mine.toml:3: run.seed: 1.5 is not allowed here"),
    "extends nothing": ('extends = "hepgul_2017"', "mine.toml:1: extends: hepgul_2017: no such scenario. Did you mean 'hepgul_2016'?"),
    "extends itself": ('extends = "mine.toml"', "'mine.toml' leads in a circle (mine.toml -> mine.toml)"),
    "extends outside": ('extends = "../mine.toml"', "'../mine.toml' is outside the file's own folder"),
    "extends absolutely": ('extends = "C:\\\\mine.toml"', "is outside the file's own folder"),
    "extends a number": ("extends = 3", "mine.toml:1: extends: 3 is not a name"),
    "empty": ("", "mine.toml:1: the file is empty. Start with `extends"),
    "only spaces": ("  \n\n", "mine.toml:1: the file is empty"),
    "not TOML": (HEAD + "[population.prevalence\nptsd = 3", "mine.toml: not valid TOML: Expected ']'"),
    "complete but bare": ('title = "x"', "mine.toml:1: run: missing. Give it a value, or put `extends"),
    "no room beside the state": (
        HEAD + '[population.loading]\nemotional_disorder = { value = 0.95, assumption = "x" }',
        "mine.toml:3: population.loading.emotional_disorder: 0.95 leaves no room beside the passing state; at most 0.938.",
    ),
    "impossible correlation": (
        HEAD + '[population.correlation.ptsd]\nocd = { value = -0.5, assumption = "x" }',
        "mine.toml:3: population.correlation.ptsd.ocd.value: with the other correlations no population can have -0.5; "
        "use a correlation from",
    ),
    "correlation of 1": (
        HEAD + '[population.correlation.ptsd]\nocd = { value = 1, assumption = "x" }', "1 is out of range; a correlation lies between -1 and 1"
    ),
    "correlation with itself": (
        HEAD + '[population.correlation.ptsd]\nptsd = { value = 0.5, assumption = "x" }', "'ptsd' is not a known other condition"
    ),
    "strata that do not add up": (
        HEAD + '[population.strata.sex]\nother = { value = 0.2, assumption = "x" }',
        "mine.toml:2: population.strata.sex: the shares add up to 1.2; they must add up to 1.",
    ),
    "more than everybody leaves": (
        HEAD + '[pathway]\ndeclined = { value = 0.9, assumption = "x" }', "not_suitable, declined and not_assessed add up to 1.1"
    ),
    "a disorder no effect is known for": (
        HEAD + '[outcome.treatment.spill]\npstd = { value = 0.3, assumption = "x" }', "not a known disorder. Did you mean 'ptsd'?"
    ),
    "nobody ill": (
        PREVALENCE + "\n".join(
            f'{name} = {{ value = 0, assumption = "x" }}' for name in get_scenario().disorders
        ), "needs at least one emotional disorder",
    ),
    "half a step up": (
        HEAD + '[pathway.steps.high_intensity]\nsteps_up_to = "low_intensity"', "steps_up_to and step_up_acceptance go together"
    ),
    "steps up in a circle": (
        HEAD + '[pathway.steps.high_intensity]\nsteps_up_to = "low_intensity"\n'
        'step_up_acceptance = { value = 0.5, assumption = "x" }', "leads in a circle",
    ),
    "misspelt table inside a section": (
        HEAD + "[pathway.rooting.disclosure]\nptsd = 1", "mine.toml:2: pathway.rooting: not a known key. Did you mean 'routing'?"
    ),
    "misspelt staff": (
        HEAD + '[staff.asessor]\nwte = { value = 3, assumption = "x" }',
        "mine.toml:2: staff.asessor: 'contacts_per_week' is missing. Did you mean 'assessor'?",
    ),
    "misspelt step as a table": (
        HEAD + '[pathway.steps.low_intensty]\nlag_days_mean = { value = 0.3, assumption = "x" }',
        "pathway.steps.low_intensty: a step needs kind = \"assessment\" or kind = \"course\". Did you mean 'low_intensity'?",
    ),
    "key-like text in a long string": (
        HEAD + 'summary = """\n[staff.assessor]\nwte = 1\n"""\n[staff.assessor]\nwte = 3', "mine.toml:7: staff.assessor.wte: 3"
    ),
    "a name of its own": (HEAD + 'name = "x"', "mine.toml:2: name: a scenario is called after its file"),
    "a number of thousands of digits": (HEAD + "[run]\nseed = 0x" + "f" * 5000, "mine.toml:3: a number or a key of 5,002 characters; at most 500."),
    "a pair given twice": (
        HEAD + '[population.correlation.other_substance_dependence]\nalcohol_dependence = { value = 0.1, assumption = "x" }',
        "give each pair once",
    ),
    "a stratum called like a condition": (
        HEAD + '[population.strata.ptsd]\nyes = { value = 1, assumption = "x" }', "is the name of a condition"
    ),
    "a condition called like a column": (
        PREVALENCE + 'distress = { group = "dependence", value = 0.1, assumption = "x" }', "results use for something else"
    ),
    "too many strata": (
        HEAD + "[population.strata.area]\n" + "\n".join(f'a{i} = {{ value = 0.005, assumption = "x" }}' for i in range(200)),
        "has 200 strata; at most 100",
    ),
    "less than one place": (
        HEAD + '[staff.high_intensity_therapist]\nwte = { value = 0.01, assumption = "x" }',
        "gives 0.4 of one place at high_intensity, which is none; a place needs 0.0249 WTE.",
    ),
    "an effect above the trials'": (
        HEAD + '[pathway.steps.low_intensity.effect]\nptsd = { value = 2, assumption = "x" }', "it must be at most 1."
    ),
    "one therapist at two steps": (
        HEAD + '[pathway.steps.high_intensity]\nstaff = "assessor"',
        "mine.toml:3: pathway.steps.high_intensity.staff: 'assessor' serves assessment and high_intensity with shares of its time "
        "that add up to 2; give each of them a share_of_staff, together at most 1, or a kind of staff of its own.",
    ),
    "more than all of a therapist's time": (
        HEAD + '[pathway.steps.high_intensity]\nshare_of_staff = { value = 1.2, assumption = "x" }',
        "mine.toml:3: pathway.steps.high_intensity.share_of_staff.value: 1.2 is out of range; it must be at most 1.",
    ),
    "contacts that take no time": (
        HEAD + '[pathway.steps.high_intensity]\nstaff_time_per_contact = { value = 0, assumption = "x" }',
        "mine.toml:3: pathway.steps.high_intensity.staff_time_per_contact.value: 0 is out of range; it must be at least 0.01.",
    ),
    "a share of staff too small for a place": (
        HEAD + '[pathway.steps.high_intensity]\nshare_of_staff = { value = 0.0005, assumption = "x" }',
        "of one place at high_intensity, which is none; a place needs 49.7 WTE.",
    ),
    "staff that is never at work": (
        HEAD + '[staff.assessor]\nsickness_share = { value = 0.9, assumption = "x" }',
        "mine.toml:2: staff.assessor: leave_share, sickness_share and training_and_admin_share add up to 1.044; they must leave "
        "some time for clients, so together be below 1.",
    ),
    "the share of time that was one number": (
        HEAD + '[staff.assessor]\navailable_share = { value = 0.8, assumption = "x" }',
        "mine.toml:3: staff.assessor.available_share: not a known key. Did you mean",
    ),
    "a misspelt part of turnover": (
        HEAD + '[staff.assessor]\nleavers_a_year = { value = 0.2, assumption = "x" }',
        "mine.toml:3: staff.assessor.leavers_a_year: not a known key. Did you mean 'leavers_per_year'?",
    ),
    "more leavers than can be": (
        HEAD + '[staff.assessor]\nleavers_per_year = { value = 22, assumption = "x" }',
        "mine.toml:3: staff.assessor.leavers_per_year.value: 22 is out of range; it must be at most 12.",
    ),
    "trained within a day": (
        HEAD + '[staff.assessor]\ntraining_days = { value = 0.5, assumption = "x" }',
        "mine.toml:3: staff.assessor.training_days.value: 0.5 is out of range; it must be at least 7.",
    ),
    "a month of posts that is none": (
        HEAD + '[staff.assessor.monthly_wte]\nmay = { value = 3, assumption = "x" }', "'may' is not a month; write it as 2025-04",
    ),
    "a surge team that goes before it comes": (
        HEAD + '[staff.assessor.surge.winter]\nwte = { value = 3, assumption = "x" }\nfrom_date = 2025-01-01\nto_date = 2024-12-01',
        "mine.toml:2: staff.assessor.surge.winter: to_date 2024-12-01 is before from_date 2025-01-01; give the earlier first.",
    ),
    "a surge team of unknown size": (
        HEAD + "[staff.assessor.surge.winter]\nfrom_date = 2025-01-01\nto_date = 2025-12-01",
        "mine.toml:2: staff.assessor.surge.winter.wte: missing. Give it a value",
    ),
    "no assessment": (
        HEAD + '[pathway.steps]\nsecond = { kind = "assessment", staff = "assessor", patience_mean_days = { value = 9, '
        'assumption = "x" } }', "one step, and only one, must be of kind 'assessment'",
    ),
    "a date that does not exist": (
        HEAD + '[run]\nopens = "2023-02-29"', "mine.toml:3: run.opens: '2023-02-29' is not a date; write it as 2022-04-02."
    ),
    "a date that is a number": (
        HEAD + "[run]\nopens = 2022", "mine.toml:3: run.opens: 2022 is not allowed here; it must be a date such as 2022-04-02."
    ),
    "a date before there were bank holidays": (
        HEAD + "[run]\nopens = 1066-10-14", "mine.toml:3: run.opens: 1066-10-14 is out of range; it must be from 1978-01-01 to 2100-12-31."
    ),
    "a run into a century without a calendar": (
        HEAD + "[run]\nopens = 2098-01-01\n",
        "mine.toml:3: run.opens: 1,645 days from 2098-01-01 end after 2100-12-31, beyond which bank holidays are not known. "
        "Open earlier, run for fewer days, or set weekends_off = false.",
    ),
    "a switch that is a word": (
        HEAD + '[run]\nweekends_off = "no"', "mine.toml:3: run.weekends_off: 'no' is not allowed here; it must be true or false."
    ),
    "a misspelt month": (
        HEAD + '[demand.monthly_index]\n\nfebuary = { value = 1, assumption = "x" }',
        "mine.toml:4: demand.monthly_index.febuary: not a known key. Did you mean 'february'?",
    ),
    "a month below nothing": (
        HEAD + '[demand.monthly_index]\nmay = { value = -1, assumption = "x" }',
        "mine.toml:3: demand.monthly_index.may.value: -1 is out of range; it must be at least 0.",
    ),
    "a year without referrals in any month": (
        HEAD + "[demand.monthly_index]\n" + "\n".join(
            f'{month} = {{ value = 0, assumption = "x" }}' for month in MonthlyIndex.model_fields
        ), "mine.toml:2: demand.monthly_index: all months are 0; at least one must be above 0.",
    ),
    "growth beyond all bounds": (
        HEAD + '[demand]\ngrowth_per_year = { value = 9, assumption = "x" }',
        "mine.toml:3: demand.growth_per_year.value: 9 is out of range; it must be at most 1.",
    ),
    "growth for a century": (
        HEAD + '[run]\nfollow_up_days = 36500\n[demand]\ngrowth_per_year = { value = 0.1, assumption = "x" }',
        "mine.toml:5: demand.growth_per_year.value: 0.1 a year makes 1.48e+08 referrals a year within the run; at most 1,000,000 can be.",
    ),
    "a shock that ends before it begins": (
        HEAD + '[demand.shocks.fall]\nfrom_date = 2020-04-30\nto_date = 2020-04-01\nfactor = { value = 0.43, assumption = "x" }',
        "mine.toml:2: demand.shocks.fall: to_date 2020-04-01 is before from_date 2020-04-30; give the earlier first.",
    ),
    "a shock without an end": (
        HEAD + '[demand.shocks.fall]\nfrom_date = 2020-04-30\nfactor = { value = 0.43, assumption = "x" }',
        "mine.toml:2: demand.shocks.fall.to_date: missing. Give it a value",
    ),
    "a shock without an origin": (
        HEAD + "[demand.shocks.fall]\nfrom_date = 2020-04-01\nto_date = 2020-04-30\nfactor = { value = 0.43 }",
        "mine.toml:5: demand.shocks.fall.factor: a number needs either `source` with `where`, or `assumption`, or `fitted`.",
    ),
    "a shock of a hundredfold": (
        HEAD + '[demand.shocks.rise]\nfrom_date = 2020-04-01\nto_date = 2020-04-30\nfactor = { value = 100, assumption = "x" }',
        "mine.toml:5: demand.shocks.rise.factor.value: 100 is out of range; it must be at most 10.",
    ),
    "more missed than booked": (
        HEAD + '[pathway.missed]\nnot_attended = { value = 0.9, assumption = "x" }', "nobody would ever be seen"
    ),
    "stepping down to nowhere": (
        HEAD + '[pathway.steps.high_intensity]\nsteps_down_to = "low_intensty"', "Did you mean 'low_intensity'"
    ),
    "a list of no step": (
        HEAD + '[start.waiting]\nhigh_intensty = { value = 9, assumption = "x" }', "start.waiting.high_intensty: 'high_intensty' is not a known step"
    ),
    "more than all instead": (
        HEAD + '[pathway.steps.group]\ninstead_share = { value = 0.99, assumption = "x" }', "add up to 1.05"
    ),
    "half of stepping down": (
        HEAD + '[pathway.steps.low_intensity]\nsteps_down_to = "group"', "steps_down_to and step_down_share go together"
    ),
    "like nothing": (HEAD + '[pathway.steps.spa]\nlike = "grop"', "mine.toml:3: pathway.steps.spa.like: 'grop' is not a step"),
    "an official figure of no measure": (
        HEAD + '[official.x]\nmeasure = "recovry"\nrole = "check"\nvalue = 1\nassumption = "x"', "Did you mean 'recovery'"
    ),
    "a check that is fitted to": (
        HEAD + '[official.x]\nmeasure = "recovery"\nrole = "check"\nfitted_by = ["pathway.declined"]\nvalue = 1\nassumption = "x"',
        "a check is never fitted to",
    ),
    "a step with no kind": (HEAD + "[pathway.steps.spa]\nstaff = 3", "mine.toml:2: pathway.steps.spa"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(FILES))
def test_a_wrong_file_is_refused_with_file_line_path_value_and_advice(case: str, tmp_path: Path) -> None:
    text, message = FILES[case]
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CaseloadError) as caught:
        load_scenario(tmp_path / "mine.toml")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 9


def test_a_circle_through_two_files_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"', encoding="utf-8")
    (tmp_path / "b.toml").write_text('extends = "a.toml"', encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"a\.toml -> b\.toml -> a\.toml"):
        load_scenario(tmp_path / "a.toml")


def test_binary_and_huge_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b'title = "x"\n\xff\xfe\x00')
    with pytest.raises(ScenarioError, match=r"binary\.toml:2: not text in UTF-8"):
        load_scenario(tmp_path / "binary.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * 3_000_000)
    with pytest.raises(CatalogueError, match="larger than 250,000 bytes"):
        load_scenario(tmp_path / "huge.toml")


def test_a_missing_file_or_a_folder_is_named_with_the_nearest_file(tmp_path: Path) -> None:
    (tmp_path / "my_service.toml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"no such file\. Did you mean 'my_service\.toml'"):
        load_scenario(tmp_path / "my_servise.toml")
    with pytest.raises(CatalogueError, match="not a file"):
        load_scenario(tmp_path)


def test_a_misspelt_scenario_is_met_with_the_nearest_name() -> None:
    with pytest.raises(CatalogueError, match=r"hepgul2016: no such scenario\. Did you mean 'hepgul_2016'"):
        get_scenario("hepgul2016")
    with pytest.raises(CatalogueError, match="is not a scenario name"):
        get_scenario("../secret")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"population.prevalence.alcohol_dependance.value": 0.3},
            "no 'alcohol_dependance' in population.prevalence. Did you mean",
        ),
        (
            {"population.prevalence.ptsd": 2},
            "--set population.prevalence.ptsd.value: 2 is out of range; it must be at most 1",
        ),
        ({"population.prevalence": 2}, "--set population.prevalence: a group of values. Choose one: major_depression"),
        ({"run.seed": "x"}, "--set run.seed: 'x' is not allowed here; it must be a whole number"),
        ({"run.seed.value": 3}, "--set run.seed.value: no 'value' in run.seed"),
        ({"pathway.policy": "stratifed"}, "--set pathway.policy: 'stratifed' is not a known policy"),
        ({"": 2}, "no '' in the scenario"),
        ({"run.opens": "yesterday"}, "--set run.opens: 'yesterday' is not a date; write it as 2022-04-02."),
        (
            {"demand.shoks.fall": {"factor": {"value": 1}}},
            "--set demand.shoks: not a known key. Did you mean 'shocks'?",
        ),
        ({"demand.shocks.fall": {"from_date": "2020-04-01"}}, "--set demand.shocks.fall.to_date: missing."),
        ({"demand.shocks.fall.factor": 0.4}, "--set demand.shocks.fall.factor: no 'fall' in demand.shocks."),
    ],
)
def test_a_wrong_change_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        get_scenario(changes=changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.3", 0.3), ("7", 7), ("stepped", "stepped"), ('"x"', "x"), ("true", True), ("[1, 2]", [1, 2]),
        # as people write them, and TOML does not
        (".5", 0.5), ("5.", 5.0), ("+.5", 0.5), ("-.5", -0.5), ("+5", 5), ("1_000", 1000), ("1_000.", 1000.0),
        ("007", 7), ("00.5", 0.5), ("1.e3", 1000.0), (".5e-1", 0.05), ("[.5, 1.]", [0.5, 1.0]),
        ("{ value = .5, assumption = 'of .5' }", {"value": 0.5, "assumption": "of .5"}),
        # no numbers
        ("v.5", "v.5"), ("1.2.3", "1.2.3"), ("5..", "5.."), (".", "."), ("+", "+"), ("_5", "_5"), ("05-06-2024", "05-06-2024"),
        ("50%", "50%"), ("1,000", "1,000"), ("'.5'", ".5"), ('"007"', "007"), ("2024-04-01", date(2024, 4, 1)),
    ],
)  # fmt: skip
def test_a_value_on_the_command_line_is_toml_or_a_word(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize("number", [".5", "5.", "007", "-.5", "1_000."])
def test_a_file_with_a_number_that_toml_does_not_allow_is_told_how_to_write_it(number: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        f"{HEAD}[demand]\nreferrals_per_year = {{ value = {number}, assumption = 'x' }}\n", encoding="utf-8"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    assert "line 3" in str(caught.value)
    assert "write 0.5 for .5, and 5 for 5. or 05." in str(caught.value)
    file.write_text(f"{HEAD}[demand\nreferrals_per_year = 0.5\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    assert "write 0.5" not in str(caught.value), "its numbers are not to blame"


def test_a_short_file_of_ones_own_needs_only_the_differences(tmp_path: Path) -> None:
    (tmp_path / "parent.toml").write_text(
        HEAD + '[staff.assessor]\nwte = { value = 5, assumption = "ours" }', encoding="utf-8"
    )
    (tmp_path / "child.toml").write_text(
        'extends = "parent.toml"\n[sources.survey]\ncitation = "Our own survey, 2026"\n[population.prevalence]\n'
        'ptsd = { value = 0.31, n = 90, source = "survey", where = "table 2" }',
        encoding="utf-8",
    )
    child = load_scenario(tmp_path / "child.toml")
    assert child.name == "child"
    assert child.staff["assessor"].wte.value == 5
    assert child.population.prevalence["ptsd"].origin() == "survey: table 2 (n=90)"
    assert json.loads(child.model_dump_json())["sources"]["survey"]["citation"] == "Our own survey, 2026"


def test_a_folder_of_ones_own_scenarios_is_searched_and_listed(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(HEAD, encoding="utf-8")
    assert "ours" in list_scenarios([tmp_path])
    assert get_scenario("ours", paths=[tmp_path]).title == "ours, from hepgul_2016"
    with pytest.raises(CatalogueError, match="not a folder"):
        list_scenarios([tmp_path / "nowhere"])


def test_windows_line_ends_and_a_byte_order_mark_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(
        b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode() + b'[pathway]\r\npolicy = "stepped"\r\n'
    )
    assert load_scenario(tmp_path / "mine.toml").pathway.policy == "stepped"
