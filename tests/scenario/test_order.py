"""Labels decide, never positions: the same lines in any order are the same scenario, and draw the same people."""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from caseload_sim.clients.population import draw_population
from caseload_sim.definitions.labels import place_of
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import ScenarioError
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.pathway.sessions import NOT_REACHED, influence, modality_of
from caseload_sim.scenario.catalogue import _chain, _find, get_scenario, list_scenarios, load_scenario
from caseload_sim.scenario.changes import _merge
from caseload_sim.scenario.policies import POLICIES, Decide, Decision, Known
from caseload_sim.scenario.scenario import Scenario
from small_services import alike, scenario_of, two_by_name

DECILE, MODALITIES = "population.strata.deprivation_decile", "pathway.modalities"
ORDERS = range(3)


def content_of(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(mode="json", exclude_none=True)


def shuffled(part: Any, by: random.Random) -> Any:
    """The same with the keys of every table, and the names in every list that is a set, in another order."""
    if isinstance(part, Mapping):
        keys = list(part)
        by.shuffle(keys)
        return {key: shuffled(part[key], by) for key in keys}
    if isinstance(part, list) and part and all(isinstance(one, str) for one in part):
        return by.sample(part, len(part))
    return part


def again(scenario: Scenario, order: int) -> Scenario:
    """The scenario read from the same content in another order."""
    content = shuffled(content_of(scenario), random.Random(order))
    assert json.dumps(content) != json.dumps(content_of(scenario))
    return Scenario.model_validate_json(json.dumps(content))


def number(value: float, **more: Any) -> dict[str, Any]:
    return {"value": value, "assumption": "x", **more}


def hand_made() -> Scenario:
    """A small service with every table filled in, and with names that no shipped scenario has."""
    small = scenario_of("national_2024_25")
    step = content_of(small)["pathway"]["steps"]["high_intensity"]
    ours = {key: value for key, value in step.items() if not key.startswith("step")}
    ptsd = small.population.prevalence["ptsd"].value
    own = {"group": "emotional_disorder", "assumption": "x"}
    return small.with_changes({
        "run.follow_up_days": 300,
        "demand.shocks": {
            "strike": {"factor": number(0.7), "from_date": "2023-05-01", "to_date": "2023-06-10"},
            "campaign": {"factor": number(1.3), "from_date": "2023-06-01", "to_date": "2023-07-10"},
            "news": {"factor": number(1.1), "from_date": "2023-06-05", "to_date": "2023-06-09"},
        },
        "demand.monthly_referrals": {"2023-10": number(70), "2023-09": number(50)},
        "population.prevalence": {"zoster_fear": {**own, "value": 0.2}, "body_dysmorphia": {**own, "value": 0.1}},
        "population.correlation": {"zoster_fear": {"body_dysmorphia": number(0.7), "ptsd": number(0.62)}},
        "population.strata": {"home": {"shared": number(0.5), "alone": number(0.3), "none": number(0.2)}},
        "population.prevalence_by": {
            "zoster_fear": {"home": {"alone": number(0.4), "shared": number(0.1), "none": number(0.15)}},
            "ptsd": {"sex": {"male": number(0.25), "female": number((ptsd - 0.3346 * 0.25) / 0.6654)}},
        },
        "population.targets.all_of": {
            "b": {"conditions": ["ptsd", "ocd"], **number(0.1)}, "a": {"conditions": ["ocd", "major_depression"], **number(0.1)},
        },
        "population.targets.any_of": {
            "b": {"conditions": ["ptsd", "ocd"], **number(0.4)}, "a": {"conditions": ["ptsd", "social_anxiety"], **number(0.5)},
        },
        "sources": {"us": {"citation": "our counts"}, "them": {"citation": "their counts"}},
        "start.waiting": {
            "high_intensity": number(9), "low_intensity": number(4),
            "internet_guided": {"up_to_4_weeks": number(1), "29_to_60_days": number(1)},
        },
        "staff": {"pair": {"wte": number(1), "contacts_per_week": number(20), "leave_share": number(0.1),
                           "sickness_share": number(0.05), "training_and_admin_share": number(0.1),
                           "monthly_wte": {"2023-10": number(1.1), "2023-09": number(0.9)}}},
        "staff.assessor.monthly_wte": {"2023-10": number(0.5), "2023-09": number(0.4)},
        "staff.assessor.surge": {
            "winter": {"wte": number(0.13), "from_date": "2023-05-01", "to_date": "2024-04-01"},
            "autumn": {"wte": number(0.29), "from_date": "2023-06-01", "to_date": "2024-05-01"},
        },
        "pathway.modalities": {
            "post": {"share": number(0.1), "reach": number(0.9), "reach_per_deprivation_decile": number(0.1),
                     "contact_minutes": number(20), "missed": number(0), "drop_out": number(0.1)},
        },
        "pathway.modalities.face_to_face.reach": 0.6,
        "pathway.modalities.telephone.reach_per_deprivation_decile": 0.2,
        "pathway.steps": {
            "pairs": {**ours, "staff": "pair", "instead_of": "high_intensity", "instead_share": number(0.2)},
            "art": {**ours, "staff": "pair", "share_of_staff": number(0.3), "instead_of": "high_intensity",
                    "instead_share": number(0.1)},
        },
        "pathway.steps.pairs.share_of_staff": 0.6,
        "outcome.relapse.yearly_hazard": 2,
        "pathway.returns.chance": 0.9,
    })  # fmt: skip


def providers_by_name() -> Scenario:
    scenario = get_scenario("national_2024_25_providers")
    days = {"run.warm_up_days": 100, "run.data_collection_days": 100, "run.follow_up_days": 200}
    return scenario.with_changes(two_by_name(scenario, 800) | days)


EXAMPLES: dict[str, Callable[[], Scenario]] = {
    "hand made": hand_made,
    "trial_world": lambda: scenario_of("trial_world"),
    "providers alike": lambda: scenario_of("national_2024_25").with_changes(alike(2)),
    "national_2024_25_providers": lambda: providers_by_name(),
    "personality_disorder_screened": lambda: scenario_of("personality_disorder_screened"),
}


@pytest.mark.parametrize("name", list_scenarios())
def test_a_shipped_scenario_is_the_same_in_every_order_of_its_keys(name: str) -> None:
    scenario = get_scenario(name)
    for order in ORDERS:
        assert again(scenario, order).model_dump_json() == scenario.model_dump_json()


def test_every_table_of_the_schema_is_put_in_order() -> None:
    """Of each table that a scenario can have, some example here has two entries, and they come out in one order."""
    examples = [make() for make in EXAMPLES.values()] + [get_scenario(name) for name in list_scenarios()]
    filled: set[str] = set()
    for example in examples:
        filled |= {path for path, table in tables_of(example, "") if len(table) > 1}
        for order in ORDERS:
            for (path, ours), (_, theirs) in zip(
                tables_of(example, ""), tables_of(again(example, order), ""), strict=True
            ):
                assert list(ours) == list(theirs), path
    of_one_entry = {".population.prevalence_by.*"}  # the one kind of stratum that a prevalence may differ by
    assert filled >= set(tables_of_schema(Scenario, "")) - of_one_entry
    assert len(filled) > 25


def tables_of(part: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every table of names in a scenario, with the path to it; a name in it is written `*`."""
    if isinstance(part, BaseModel):
        for key in type(part).model_fields:
            yield from tables_of(getattr(part, key), f"{path}.{key}")
    elif isinstance(part, Mapping):
        yield path, part
        for value in part.values():
            yield from tables_of(value, f"{path}.*")


def tables_of_schema(model: type[BaseModel], path: str) -> Iterator[str]:
    schema = model.model_json_schema()

    def walk(node: Mapping[str, Any], path: str) -> Iterator[str]:
        for option in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from walk(option, path)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
            yield from walk(node, path)
            return
        for key, below in node.get("properties", {}).items():
            yield from walk(below, f"{path}.{key}")
        if isinstance(of := node.get("additionalProperties"), Mapping):
            yield path
            yield from walk(of, f"{path}.*")

    yield from walk(schema, path)


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_the_order_of_keys_changes_no_person_no_stay_and_no_figure(name: str) -> None:
    scenario = EXAMPLES[name]()
    here = replicate(scenario, replications=1)
    there = replicate(again(scenario, 1), replications=1)
    assert here.digests == there.digests
    assert here.rows == there.rows or list(map(str, here.rows)) == list(map(str, there.rows))
    assert here.over_time == there.over_time or str(here.over_time) == str(there.over_time)


def test_a_file_with_its_lines_shuffled_is_the_same_scenario(tmp_path: Path) -> None:
    scenario = hand_made()
    lines = sorted(lines_of({key: value for key, value in content_of(scenario).items() if key != "name"}, ""))
    random.Random(5).shuffle(lines)
    file = tmp_path / "national_2024_25.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert load_scenario(file).model_dump_json() == scenario.model_dump_json()


def lines_of(table: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in table.items():
        here = f'{path}"{key}"'
        if isinstance(value, Mapping):
            yield from lines_of(value, f"{here}.") if value else [f"{here} = {{}}"]
        else:
            yield f"{here} = {json.dumps(value, ensure_ascii=False)}"


def test_known_labels_stand_as_the_shipped_files_have_them() -> None:
    """So that their draws are those that they have always been. Where two files differ, the baseline counts."""
    content: dict[str, Any] = {}
    for file in reversed(_chain(_find("national_2024_25", ()), ())):
        content = _merge(content, file.content)
    population, pathway = content["population"], content["pathway"]
    tables = [
        population["prevalence"],
        *population["strata"].values(),
        content["staff"],
        pathway["steps"],
        pathway["modalities"],
    ]
    for table in (*tables, population["strata"], population["fit"]["start"]):
        assert list(table) == sorted(table, key=place_of), list(table)
    assert tuple(pathway["steps"]) == get_scenario("national_2024_25").steps


# --- strata with a gradient -----------------------------------------------------------------------------------------


def with_deciles(scenario: Scenario, deciles: Mapping[str, Any]) -> Scenario:
    content = content_of(scenario)
    content["population"]["strata"]["deprivation_decile"] = dict(deciles)
    return Scenario.model_validate_json(json.dumps(content))


def test_deciles_written_from_ten_to_one_keep_their_gradient(small: Scenario) -> None:
    deciles = content_of(small)["population"]["strata"]["deprivation_decile"]
    turned = with_deciles(small, dict(reversed(deciles.items())))
    for scenario in (small, turned):
        clients = draw_population(scenario, Draws(3, 0), 2_000)
        of_label = np.array(clients.stratum_names["deprivation_decile"])[clients.strata["deprivation_decile"]]
        missed = influence(scenario, clients, scenario.pathway.influences.missed)
        poor, rich = of_label == "10_most_deprived", of_label == "1_least_deprived"
        assert missed[poor].mean() > missed[rich].mean() + 0.2
        assert clients.deprivation[poor].min() > clients.deprivation[rich].max()


def test_ranks_say_where_strata_stand_that_have_no_numbers(small: Scenario) -> None:
    areas = {"poor": number(0.3, rank=3), "rich": number(0.3, rank=1), "between": number(0.4, rank=2)}
    scenario = with_deciles(small, areas)
    assert list(scenario.population.strata["deprivation_decile"]) == ["rich", "between", "poor"]
    assert scenario.population.steps_from_the_middle("deprivation_decile") == [-1, 0, 1]
    assert simulate(scenario).digests == simulate(again(scenario, 2)).digests
    wide = with_deciles(small, {**areas, "poor": number(0.3, rank=7)})
    assert wide.population.steps_from_the_middle("deprivation_decile") == [-3, -2, 3], "values, not places"


FAULTS = {
    "no number and no rank": (
        {"poor": number(0.5), "rich": number(0.5)}, "deprivation_decile.poor: does not say how deprived it is",
    ),
    "a number twice": ({"1_a": number(0.5), "1_b": number(0.5)}, "1_a: does not say how deprived it is"),
    "a name against its number": (
        {"10_least_deprived": number(0.5), "1_most_deprived": number(0.5)},
        "10_least_deprived: is called the least deprived, but its number puts it elsewhere",
    ),
    "a rank for one alone": ({"1": number(0.5, rank=1), "2": number(0.5)}, "each has one of its own"),
    "a rank twice": ({"1": number(0.5, rank=1), "2": number(0.5, rank=1)}, "each has one of its own"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_deciles_in_no_order_are_refused(name: str, tmp_path: Path) -> None:
    deciles, message = FAULTS[name]
    file = tmp_path / "mine.toml"
    table = "\n".join(lines_of(deciles, ""))
    file.write_text(
        f'extends = "hepgul_2016"\n[population.strata.deprivation_decile]\nreplace = true\n{table}', encoding="utf-8"
    )
    with pytest.raises(ScenarioError, match=re.escape(message)):
        load_scenario(file)


# --- what else goes by position inside -------------------------------------------------------------------------------


def test_whom_the_offer_does_not_reach_has_the_modality_that_reaches_most() -> None:
    scenario = get_scenario(changes={
        f"{MODALITIES}.face_to_face.reach": 0.5, f"{MODALITIES}.telephone.reach": 0.7, f"{MODALITIES}.video.reach": 0.9,
    })  # fmt: skip
    clients, draws = draw_population(scenario, Draws(3, 0), 5_000), Draws(3, 0)
    modality, u = modality_of(scenario, clients, draws), draws.uniform("modality_reach", clients.id)
    video = list(scenario.pathway.modalities).index("video")
    assert np.all(modality[(u > 0.7) & (u < 0.9)] == video)
    assert np.all(modality[u > 0.9] == NOT_REACHED)


def test_a_step_follows_those_that_lead_up_to_it_whatever_they_are_called(small: Scenario) -> None:
    """A pathway of names of one's own, whose alphabet runs against the way up."""
    steps = content_of(small)["pathway"]["steps"]
    low, high = steps["low_intensity"], {k: v for k, v in steps["high_intensity"].items() if not k.startswith("step")}
    content = content_of(small)
    content["pathway"]["steps"] = {
        "a_third": high,
        "m_second": {**low, "steps_up_to": "a_third", "staff": "pair", "share_of_staff": number(0.3)},
        "z_first": {**low, "steps_up_to": "m_second", "share_of_staff": number(0.9)},
        "y_assessment": steps["assessment"],
    }
    assert Scenario.model_validate_json(json.dumps(content)).steps == ("y_assessment", "z_first", "m_second", "a_third")


def stepped_turned(known: Known, routing: Any) -> Decision:
    decision = POLICIES["stepped"].decide(known, routing)
    return replace(decision, chance=dict(reversed(list(decision.chance.items()))))


def test_a_policy_may_name_its_steps_in_any_order(small: Scenario) -> None:
    policies: list[Decide] = [POLICIES["stepped"].decide, stepped_turned]
    one, other = (simulate(small, policy=policy) for policy in policies)
    assert one.digests == other.digests
