"""``bioseq-dl reference``: the config models as documentation."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bioseq_dl.config import Config

HEAD = """# Config reference

Generated from the config models by `make reference`; a test keeps it in step with them. A
config is a YAML file; unknown keys are errors. `bioseq-dl check FILE` validates one, and
`bioseq-dl init DIR` writes a documented starter.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--format",
        choices=("markdown", "json"),
        default="markdown",
        help="Markdown, or a JSON schema",
    )
    parser.add_argument("--out", type=Path, metavar="PATH", help="file (default: print)")


def run(arguments: argparse.Namespace) -> None:
    """Print or write the reference."""
    text = write_schema() if arguments.format == "json" else write_reference()
    if arguments.out is None:
        print(text, end="")
    else:
        from bioseq_dl.io.atomic import write_text

        write_text(arguments.out, text)


def write_schema() -> str:
    """Give the JSON schema of a config, for editors."""
    return json.dumps(Config.model_json_schema(), indent=1) + "\n"


def write_reference() -> str:
    """Give the reference as Markdown, a table per section."""
    parts = [HEAD]
    waiting: list[type[BaseModel]] = [Config]
    seen: set[type[BaseModel]] = {Config}
    while waiting:
        model = waiting.pop(0)
        parts.append(_describe(model))
        for field in model.model_fields.values():
            for inner in _models(field.annotation):
                if inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)
    return "\n".join(parts)


def _describe(model: type[BaseModel]) -> str:
    lines = [f"## {model.__name__}", "", (model.__doc__ or "").split("\n\n")[0].strip(), ""]
    lines += ["| key | type | default | |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        text = " ".join((field.description or "").split()).replace("``", "`").replace("|", "\\|")
        kind = _type(field.annotation) + _limits(field)
        lines.append(f"| `{name}` | {kind} | {_default(field)} | {text} |")
    return "\n".join(lines) + "\n"


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(_type(part) for part in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"mapping of {_type(inner[0])} to {_type(inner[1])}"
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    names = {str: "text", int: "integer", float: "number", bool: "true/false", Any: "any value"}
    return names.get(annotation, str(annotation))


def _limits(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f"{sign} {getattr(item, name)}"
        for item in field.metadata
        for name, sign in signs.items()
        if getattr(item, name, None) is not None
    ]
    return f" ({', '.join(found)})" if found else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return "see there"
    return f"`{json.dumps(value)}`"


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
