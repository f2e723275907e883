"""Examples of answers in the OpenAPI document: a test holds each against its own schema."""

from pydantic import ConfigDict, JsonValue


def example(value: JsonValue) -> ConfigDict:
    """The configuration of a model whose example this is."""
    return ConfigDict(json_schema_extra={"examples": [value]})
