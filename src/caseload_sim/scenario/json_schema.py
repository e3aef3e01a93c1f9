"""The JSON Schema of scenario files, derived from the models that check them: for editors, and for other programs."""

from collections.abc import Iterator
from typing import Any

from caseload_sim.scenario.numbers import Number, Part
from caseload_sim.scenario.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CHANGES = ".changes"  # of a definition: what a file that extends another may write there
_ORIGINS = {"source": ("source", "where"), "assumption": ("assumption",), "fitted": ("fitted",)}
_REPLACE = {"const": True, "description": "take the place of the whole inherited table, instead of changing some of it"}
_EXTENDS = {
    "type": "string",
    "minLength": 1,
    "description": "the scenario of which this file holds only the differences: a name, or a file in the same folder",
}
STEPS = ("AssessmentStep", "CourseStep")
_LIKE = {"type": "string", "minLength": 1, "description": "the step of which this one holds only the differences"}
_ABOUT = (
    "A file with `extends` may leave out anything and may put `replace = true` into a table; one without is complete. "
    "What the program accepts fits this schema. The reverse does not hold: names that must exist, values that must agree "
    "and populations that cannot be are checked by `caseload-sim validate`."
)

Schema = dict[str, Any]


def scenario_file_schema() -> Schema:
    """What may stand in a scenario file, as JSON Schema (draft 2020-12).

    Whatever the loader accepts fits; what only the loader can see, such as a name that does not exist, may fit too.
    """
    models = Scenario.model_json_schema()
    parts: dict[str, Schema] = {**models.pop("$defs"), "Scenario": models}
    numbers = {model.__name__ for model in _subclasses(Number)}
    definitions: dict[str, Schema] = {}
    for name, part in parts.items():
        whole, changes = _node(part, changes=False), _node(part, changes=True)
        if name == "Scenario":  # a scenario is called after its file
            for schema in (whole, changes):
                del schema["properties"]["name"]
            whole["required"] = [key for key in whole["required"] if key != "name"]
            changes["properties"] = {"extends": _EXTENDS, **changes["properties"]}
        elif name in STEPS:  # a step may be filled up from another
            like = {**changes, "properties": {"like": _LIKE, **changes["properties"]}}
            changes = _or_replaced(like, whole)
            whole = {"if": {"required": ["like"]}, "then": like, "else": whole}
        elif name in numbers:
            whole["allOf"] = [_one_origin()]
            changes["properties"]["replace"] = _REPLACE
            changes |= {"if": {"required": ["value"]}, "then": _one_origin()}
        else:
            changes = _or_replaced(changes, whole)
        definitions |= {name: whole, name + _CHANGES: changes}
    return {
        "$schema": DIALECT,
        "title": "A scenario file of caseload-sim",
        "description": _ABOUT,
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/Scenario{_CHANGES}"},
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": definitions,
    }


def _subclasses(model: type[Part]) -> Iterator[type[Part]]:
    yield model
    for below in model.__subclasses__():
        yield from _subclasses(below)


def _node(node: Schema, *, changes: bool) -> Schema:
    """A schema as pydantic writes it, made one of files: TOML has no null, and changes have nothing required."""
    about = {"description": node["description"]} if "description" in node else {}
    if "$ref" in node:
        return {"$ref": node["$ref"] + (_CHANGES if changes else ""), **about}
    if options := node.get("anyOf") or node.get("oneOf"):
        kept = [_node(option, changes=changes) for option in options if option.get("type") != "null"]
        return {**kept[0], **about} if len(kept) == 1 else {"anyOf": kept, **about}
    if "properties" in node:
        schema: Schema = {"type": "object", **about, "properties": {}, "additionalProperties": False}
        for key, value in node["properties"].items():
            schema["properties"][key] = _node(value, changes=changes)
        return schema if changes else {**schema, "required": node.get("required", [])}
    if isinstance(of := node.get("additionalProperties"), dict):
        whole = {"type": "object", "additionalProperties": _node(of, changes=False)}
        if not changes:
            return {**whole, **about}
        return {**_or_replaced({"type": "object", "additionalProperties": _node(of, changes=True)}, whole), **about}
    return {key: value for key, value in node.items() if key not in ("title", "default")}


def _or_replaced(changes: Schema, whole: Schema) -> Schema:
    """Changes to an inherited table; or, with `replace = true`, the whole of it."""
    replaced = {**whole, "properties": {"replace": _REPLACE, **whole.get("properties", {})}}
    return {"if": {"required": ["replace"]}, "then": replaced, "else": changes}


def _one_origin() -> Schema:
    """A number has a source with the place in it, or is marked as assumed, or as fitted: one of the three."""
    return {
        "oneOf": [
            {
                "required": list(keys),
                "properties": {key: {"minLength": 1} for key in keys},
                "not": {"anyOf": [{"required": [other]} for other in _ORIGINS if other != name]},
            }
            for name, keys in _ORIGINS.items()
        ]
    }
