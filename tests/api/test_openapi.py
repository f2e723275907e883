"""The OpenAPI document is whole: what every operation takes, answers and refuses is described, with examples that are right."""

import re
from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs
import pytest

from theo.api.application import openapi_document
from theo.api.problems import ALWAYS, MEDIA_TYPE

DOCUMENT: Final[dict[str, Any]] = openapi_document("1.0.0")
OPERATIONS: Final = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
SCHEMAS: Final[dict[str, Any]] = DOCUMENT["components"]["schemas"]
each_operation = pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference names."""
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with everything that it refers to."""
    return {**schema, "components": {"schemas": SCHEMAS}}


def answered(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of the answers that are no problem."""
    for code, answer in operation["responses"].items():
        if int(code) < 400:
            yield answer["content"]["application/json"]["schema"]


@each_operation
def test_an_operation_says_what_it_is(name: str, operation: dict[str, Any]) -> None:
    assert operation["summary"], name
    assert re.search(r"[.!:]$", operation["description"]), name


def test_operations_have_names_of_their_own() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids) > 10


@each_operation
def test_an_answer_has_a_model_with_an_example_that_is_one(name: str, operation: dict[str, Any]) -> None:
    schemas = list(answered(operation))
    assert schemas, name
    for schema in schemas:
        model = resolved(schema)
        assert model.get("description"), name
        assert model.get("examples"), name
        for example in model["examples"]:
            jsonschema_rs.Draft202012Validator(whole(schema), validate_formats=True).validate(example)


@each_operation
def test_what_is_sent_has_a_model_with_an_example_that_is_one(name: str, operation: dict[str, Any]) -> None:
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert resolved(schema).get("examples"), name
        for example in resolved(schema)["examples"]:
            jsonschema_rs.Draft202012Validator(whole(schema), validate_formats=True).validate(example)


@each_operation
def test_refusals_are_problems(name: str, operation: dict[str, Any]) -> None:
    refusals = {int(code): answer for code, answer in operation["responses"].items() if int(code) >= 400}
    assert set(ALWAYS) <= set(refusals), name
    for answer in refusals.values():
        assert answer["description"], name
        assert answer["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}, name
    assert ("{" in name) <= (404 in refusals), name


@each_operation
def test_what_must_be_named_has_an_example(name: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["required"]:
            examples = parameter["schema"].get("examples") or parameter["schema"].get("enum")
            assert examples, f"{name}: {parameter['name']}"
            for example in examples:
                jsonschema_rs.Draft202012Validator(whole(parameter["schema"]), validate_formats=True).validate(example)


def test_the_problem_itself_has_an_example_that_is_one() -> None:
    (example,) = SCHEMAS["Problem"]["examples"]
    jsonschema_rs.Draft202012Validator(whole(SCHEMAS["Problem"])).validate(example)


def test_a_field_that_no_schema_has_is_found() -> None:
    """The checks above can fail: an example of another model is none."""
    wrong = {"start": 5}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.Draft202012Validator(whole(SCHEMAS["BarOut"])).validate(wrong)
