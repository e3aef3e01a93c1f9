"""Every column of every table has a description, in one place, and it is that of the tables that are saved."""

import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest

from caseload_sim.definitions.columns import PLACEHOLDER, Column, saved_table, saved_tables
from caseload_sim.definitions.measures import all_measures
from caseload_sim.runs.record import TABLE_KINDS
from caseload_sim.services.targets import TARGETS
from caseload_sim.services.year import FIGURES, Made
from saved_rows import ROWS

DOCS = Path(__file__).parents[2] / "docs"
PARQUET_ALONE = {"clients", "episodes", "outcomes", "replications"}  # tests/runs/test_tables.py looks at these
_PART = r"M\d{3}|\(M\d{3}[+-]M\d{3}\)"
IDENTIFIERS = re.compile(rf"(?:M\d{{3,4}} = )?(?:{_PART})(?:/(?:{_PART}))?")


@pytest.mark.parametrize("name", ROWS)
def test_the_columns_that_are_described_are_those_of_the_rows(name: str) -> None:
    assert [column.name for column in saved_tables()[name].columns] == [field.name for field in fields(ROWS[name])]


def test_every_table_is_looked_at_and_every_kind_of_folder_has_its_own() -> None:
    assert set(saved_tables()) == set(ROWS) | PARQUET_ALONE
    for kind in ("run", "comparison", "sweep", *TABLE_KINDS):
        assert saved_table(kind, "data_dictionary.csv").by
        assert kind in ("run", "comparison") or saved_table(kind, "table.csv").by == (kind,)
    with pytest.raises(KeyError, match=r"describe it in definitions/columns\.toml"):
        saved_table("run", "table.csv")


def test_every_column_is_described_and_every_description_used() -> None:
    for table in saved_tables().values():
        for column in table.columns:
            assert len(column.meaning) > 3
            assert not column.meaning.endswith(".")
            assert set(PLACEHOLDER.findall(column.meaning)) <= set(PLACEHOLDER.findall(column.name))
    import tomllib

    content = tomllib.loads((DOCS.parent / "src/caseload_sim/definitions/columns.toml").read_text(encoding="utf-8"))
    used = set()
    for one in content["tables"].values():
        own = set(one.get("own", {}))
        assert own <= set(one["columns"])
        used |= set(one["columns"]) - own
    assert used == set(content["columns"])


def test_a_placeholder_becomes_a_column_for_each_name() -> None:
    table = saved_tables()["outcomes"]
    names = {name: ("a_b", "c") for column in table.columns for name in PLACEHOLDER.findall(column.name)}
    expanded = table.expanded(names)
    assert expanded["diagnosed_a_b_c_c"] == Column(
        "diagnosed_a_b_c_c", "a b was found at the interview at c (c), whether or not it was there at the start"
    )
    assert not [name for name in expanded if "{" in name]


def test_the_page_is_what_the_descriptions_make() -> None:
    spec = importlib.util.spec_from_file_location("dictionary_page", DOCS / "dictionary_page.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run python docs/dictionary_page.py"


# --- identifiers of the NHS ------------------------------------------------------------------------------------

# Published figures to which scenarios are compared although the definition is not the same, and what differs.
NEARLY = {
    "first_contact_within_6_weeks": "published of finished courses (M052), here of first contacts in the period",
    "first_contact_within_18_weeks": "the same (M054)",
    "coded_contacts_mean": "two published measures, by intensity",
    "days_between_contacts_mean": "published over all gaps, the first included; here within a course",
    "not_attended": "published of appointments in the period, here of referrals that ended in it",
    "client_cancelled": "the same",
    "provider_cancelled": "the same",
    "treatment_wait_days_mean": "published of courses of two or more sessions of one intensity",
    "step_up_wait_days_mean": "the same",
}


def formula(made: Made) -> str:
    """A published figure by its identifiers, as definitions/measures.toml writes it."""
    above, under = "+".join(made.of), "-".join([*made.over, *made.less])
    if made.how == "complement":
        return f"({made.over[0]}-{made.of[0]})/{made.over[0]}"
    if made.how != "share":
        return above
    return f"({above})/{under}" if "+" in above else f"{above}/({under})" if "-" in under else f"{above}/{under}"


def test_identifiers_are_those_of_the_figures_that_services_are_compared_with() -> None:
    """Which published counts make which figure is written a second time, in services/targets.py and services/year.py."""
    figures = [(target.measure, target.made) for target in TARGETS if target.made]
    figures += [(made.name, made) for made in FIGURES if made.name in all_measures()]
    same = set()
    for measure, made in figures:
        said = all_measures()[measure].nhs.split(" = ")[-1]
        if measure in NEARLY:
            assert said != formula(made), NEARLY[measure]
        else:
            assert said == formula(made), measure
            same.add(measure)
    assert same > {"recovery", "at_caseness", "reason_declined", "first_contact_days_mean", "contacts_mean"}
    assert len(same) > 12


def test_identifiers_are_written_as_such() -> None:
    with_one = [one for one in all_measures().values() if one.nhs]
    assert len(with_one) > 20
    for one in with_one:
        assert IDENTIFIERS.fullmatch(one.nhs), one.nhs
    assert all_measures()["recovery"].nhs.startswith("M192")
    assert all_measures()["ended_after_finishing"].nhs == "M076/M056"
    assert not all_measures()["all_remission"].nhs
