"""The manifests as one JSON Schema (draft 7), for editors and for checks outside of this program.

1. `kind` chooses by `if` and `then`, never by alternatives: an error names its property.
2. It holds what one document shows by itself; `reconciler validate` holds the rest.
3. Everything is text: where a name may stand, a number or a boolean of another reader may too.

Source: json-schema.org, draft 7, which yaml-language-server and check-jsonschema both know.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from reconciler.manifest import scalars, schema
from reconciler.manifest.envelope import API_VERSION, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

Schema = dict[str, Any]

SCALAR = ["string", "number", "boolean"]
TEXT: Schema = {"type": SCALAR, "pattern": r"^\S([^\n\r\t]*\S)?$"}
FLAG: Schema = {"type": "boolean"}
WORDS: Schema = {"type": "string", "minLength": 1}
SHAPES: Mapping[object, Schema] = {
    scalars.anything: {"type": SCALAR},
    scalars.text: TEXT,
    scalars.text_unshown: TEXT,
    scalars.flag: FLAG,
    scalars.share: {"type": "number", "minimum": 0, "maximum": 1},
    scalars.rate: {"type": "number", "exclusiveMinimum": 0},
    scalars.seconds: {"type": "string", "pattern": "^[1-9][0-9]{0,5}[smhd]$"},
    scalars.day: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    scalars.cron: WORDS,
    scalars.zone: WORDS,
    scalars.region: {"type": SCALAR, "pattern": "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"},
    scalars.domain: {"type": "string", "pattern": r"^[a-z0-9-]+(\.[a-z0-9-]+)*$"},
    scalars.name: {
        "type": SCALAR,
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
        "maxLength": scalars.NAME_CHARACTERS,
    },
    scalars.variable: {
        "type": "string",
        "pattern": f"^({'|'.join(scalars.CREDENTIAL_PREFIXES)})[A-Z0-9_]*$",
    },
}
"""What a reader of a scalar takes, as far as a schema can say it."""
NEVER: Schema = {"not": {}}
"""`false` says the same, and check-jsonschema then doesn't name the property."""
ADDRESS: Schema = {"type": "string", "pattern": "^https?://"}
SPECS: Mapping[Kind, type[schema.Closed]] = {
    Kind.SCOPE: schema.ScopeSpec,
    Kind.POLICY: schema.PolicySpec,
    Kind.SCHEDULE: schema.ScheduleSpec,
}
DROPPED = {"title", "default"}


def json_schema() -> Schema:
    """Give the schema of one document; the same version gives the same value."""
    models = [(model, "validation") for model in (schema.Metadata, *SPECS.values())]
    _, told = models_json_schema(
        typing.cast("Any", models), ref_template="#/definitions/{model}", schema_generator=_Shapes
    )
    definitions = {name: _bare(one) for name, one in sorted(told["$defs"].items())}
    _bind(definitions)
    definitions |= ATTACHMENTS
    specs = {kind: model.__name__ for kind, model in SPECS.items()}
    specs[Kind.ATTACHMENTS] = "AttachmentsSpec"
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Manifests of reconciler",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"enum": [kind.value for kind in Kind]},
            "metadata": _ref("Metadata"),
            "spec": {"type": "object"},
        },
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind.value}}},
                "then": {"properties": {"spec": _ref(specs[kind])}},
            }
            for kind in Kind
        ],
        "definitions": definitions,
    }


class _Shapes(GenerateJsonSchema):
    """Takes what a reader of a scalar accepts from the table, and not from its result."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """Give what the text may be that a reader turns into its value."""
        reader = schema["function"]["function"]
        match reader:
            case scalars.Choice():
                return {"enum": list(reader.known)}
            case scalars.Whole():
                return {"type": "integer", "minimum": reader.least, "maximum": 999_999_999}
            case _ if reader in SHAPES:
                return dict(SHAPES[reader])
        inner = schema["schema"]["type"]
        assert inner not in {"int", "float", "bool", "date"}, f"`{reader}` has no row in SHAPES"
        return super().function_before_schema(schema)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _bare(told: Schema) -> Schema:
    """Give a schema without titles and defaults; a key that may be missing is never null."""
    if told.get("anyOf", [None])[-1] == {"type": "null"}:
        return _bare(told["anyOf"][0])
    bare = {key: value for key, value in told.items() if key not in DROPPED}
    for key in ("items", "additionalProperties"):
        if isinstance(bare.get(key), dict):
            bare[key] = _bare(bare[key])
    if "properties" in bare:
        bare["properties"] = {name: _bare(one) for name, one in bare["properties"].items()}
    return bare


def _either(first: str, second: str) -> Schema:
    """Give what asks for exactly one of two keys."""
    return {
        "if": {"required": [first]},
        "then": {"properties": {second: NEVER}},
        "else": {"required": [second]},
    }


def _bind(definitions: dict[str, Schema]) -> None:
    """Add what keys of one mapping ask of each other."""
    scope, simulated = definitions["ScopeSpec"], {"endpoint": {"const": schema.SIMULATOR}}
    scope["properties"]["endpoint"] = {
        "if": {"type": "object"},
        "then": {"additionalProperties": ADDRESS},
        "else": {"type": "string", "pattern": f"^({schema.SIMULATOR}$|https?://)"},
    }
    scope |= {
        "if": {"required": ["endpoint"], "properties": simulated},
        "then": {"required": ["world"]},
        "else": {"properties": {"world": NEVER}},
    }
    definitions["PolicySpec"] |= {
        "if": {"required": ["allowDestroy"], "properties": {"allowDestroy": {"const": True}}},
        "then": {"required": ["scopes"]},
    }
    definitions["Secret"] |= {"minProperties": 1, "maxProperties": 1}
    definitions["Window"] |= _either("deny", "allow")
    definitions["ScheduleSpec"] |= _either("cron", "every")


def _line(key: str, names: str) -> Schema:
    return {
        "description": f"{names}, or a mapping with `{key}`, `device` and `deleteOnTermination`.",
        "if": {"type": "object"},
        "then": {
            "required": [key],
            "additionalProperties": False,
            "properties": {
                key: TEXT,
                "device": {
                    "description": "Asked for when attaching; never a reason to change anything.",
                    "type": "string",
                    "pattern": "^/dev/.",
                },
                "deleteOnTermination": FLAG,
            },
        },
        "else": TEXT,
    }


def _entry(key: str, lists: Schema, what: str) -> Schema:
    return {
        "description": f"Owns its row: {what} that it doesn't list is detached.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: lists,
            "absent": {
                "description": "What shall not be there.",
                "type": "array",
                "items": TEXT,
            },
            "others": {"description": "Leave alone what isn't listed.", "enum": ["keep"]},
            "protect": FLAG,
        },
        "if": {"required": ["others"]},
        "else": {"required": [key]},
    }


ATTACHMENTS: Schema = {
    "AttachmentsSpec": {
        "description": "`spec` of Attachments.",
        "type": "object",
        "required": ["scope"],
        "additionalProperties": False,
        "properties": {
            "scope": {"description": "`metadata.name` of a Scope.", **TEXT},
            "servers": {"type": "object", "additionalProperties": _ref("ServerEntry")},
            "volumes": {"type": "object", "additionalProperties": _ref("VolumeEntry")},
        },
    },
    "ServerEntry": _entry(
        "volumes",
        {"type": "array", "items": _line("volume", "A volume's name or id")},
        "every volume on this server",
    ),
    "VolumeEntry": _entry(
        "servers",
        {
            "if": {"type": "object"},
            "then": _ref("Selector"),
            "else": {"type": "array", "items": _line("server", "A server's name or id")},
        },
        "every server of this volume",
    ),
    "Selector": {
        "description": "Servers with all of these tags AND this name, at the time of the plan.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "tags": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"type": SCALAR},
            },
            "names": {"description": "A pattern such as `batch-*`.", **TEXT},
            "allowEmpty": {"description": "Let none match.", **FLAG},
        },
        "if": {"required": ["names"]},
        "else": {"required": ["tags"]},
    },
}
"""The kind that is read by hand."""
