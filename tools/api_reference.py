"""The reference of the HTTP interface, from its OpenAPI document: every operation, its parameters, answers and problems.

The events of the stream are no part of such a document; their words are read where they are defined.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_type_hints

from theo import __version__
from theo.api import event_values
from theo.api.application import openapi_document
from theo.domain.approval import Approved, Refused
from theo.domain.keys import Key
from theo.domain.signals import Proposal, UnderlyingExits

Json = Mapping[str, Any]  # a part of a document
METHODS: Final = ("get", "post", "put", "patch", "delete")
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
PART_NAMES: Final = {
    Key: "`account`, `mode` (and `strategy`, `version` where it is one's)",
    Approved: "`orders`",
    Refused: "`rule`, `refusal`",
    UnderlyingExits: "`underlying`, `underlying_stop`, `underlying_target` (of a bought option)",
}


def operations() -> str:
    """Markdown of every operation, in the order of the document."""
    document = openapi_document(__version__)
    return "\n\n".join(
        _operation(method, path, described)
        for path, methods in _part(document, "paths").items()
        for method, described in methods.items()
        if method in METHODS
    )


def models() -> str:
    """Markdown of every model that an operation takes or answers with."""
    schemas = _part(openapi_document(__version__), "components")["schemas"]
    return "\n\n".join(_model(name, schema) for name, schema in sorted(schemas.items()))


def event_kinds() -> str:
    """Every kind of event with the fields of its data."""
    rows = [f"| `{kind}` | {', '.join(_fields(fact))} |" for fact, kind in event_values.KINDS.items()]
    return "\n".join(("| kind | data |", "|---|---|", *rows))


def _fields(fact: type) -> Iterator[str]:
    hints = get_type_hints(fact)
    for name, hint in hints.items():
        if name == "action":
            kinds = "entry" if hint is Proposal else "entry or exit"
            yield f"`action` ({kinds}), `side`, `type`, `entry`, `stop`, `target`, `quantity`, `reason`"
        elif name in event_values.PARTS:
            yield next(words for part, words in PART_NAMES.items() if part.__name__ in str(hint))
        elif name not in event_values.LEFT_OUT and (name not in event_values.PRICES or "instrument" in hints):
            yield f"`{name}`"


def _part(document: Mapping[str, object], name: str) -> Json:
    found = document[name]
    assert isinstance(found, Mapping)
    return found


def _operation(method: str, path: str, described: Json) -> str:
    parts = [f"## {method.upper()} {path}", f"**{described['summary']}.** {described['description']}"]
    if described.get("parameters"):
        rows = [_parameter(each) for each in described["parameters"]]
        parts.append("\n".join(("| parameter | default | meaning |", "|---|---|---|", *rows)))
    if "requestBody" in described:
        parts.append(f"Takes {_type(_json(described['requestBody']))}.")
    answers = described["responses"]
    parts += [
        f"Answers {code} with {_type(_json(answer))}." for code, answer in answers.items() if JSON in answer.get("content", {})
    ]
    refusals = [code for code, answer in answers.items() if PROBLEM in answer.get("content", {})]
    parts.append(f"Problems: {', '.join(refusals)}.")
    return "\n\n".join(parts)


def _json(holder: Json) -> Json:
    schema = holder["content"][JSON]["schema"]
    assert isinstance(schema, Mapping)
    return schema


def _parameter(parameter: Json) -> str:
    schema = parameter["schema"]
    default = "required" if parameter["required"] else _plain(schema.get("default"))
    where = " (in the path)" if parameter["in"] == "path" else ""
    return f"| `{parameter['name']}` {_type(schema)}{where} | {default} | {_cell(parameter.get('description', ''))} |"


def _model(name: str, schema: Json) -> str:
    if "enum" in schema:
        return f"### {name}\n\n{schema.get('description', '')}\n\nOne of {_type(schema)}."
    rows = [f"| `{field}` {_type(each)} | {_cell(each.get('description', ''))} |" for field, each in schema["properties"].items()]
    head = ("| field | meaning |", "|---|---|")
    return "\n\n".join((f"### {name}", str(schema.get("description", "")), "\n".join((*head, *rows)))).replace("\n\n\n", "\n")


def _type(schema: Json) -> str:
    kind = schema.get("type")
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        words = f"[{name}](#{name.lower()})"
    elif "anyOf" in schema:
        words = " or ".join(_type(each) for each in schema["anyOf"])
    elif "enum" in schema or "const" in schema:
        words = " \\| ".join(map(str, schema.get("enum", [schema.get("const")])))
    elif kind == "array":
        words = f"list of {_type(schema.get('items', {}))}"
    elif kind == "string":
        words = "time" if schema.get("format") == "date-time" else "decimal text" if _decimal(schema) else "text"
    else:
        words = {"integer": "whole number", "boolean": "true or false"}.get(str(kind), str(kind or "any"))
    return words


def _decimal(schema: Json) -> bool:
    """Whether a text is bound to be a number."""
    pattern = schema.get("pattern", "")
    return re.fullmatch(pattern, "2651.75") is not None and re.fullmatch(pattern, "word") is None


def _plain(default: object) -> str:
    return f"`{str(default).lower() if isinstance(default, bool) else default}`" if default not in {None, ""} else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
