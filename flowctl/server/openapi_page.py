"""A page that shows the OpenAPI document: plain HTML, no script, and nothing fetched from anywhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #888; --accent: #3b6; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
h2 { margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
details { border-bottom: 1px solid var(--line); }
details > details { border: 0; }
summary { padding: .35rem 0; cursor: pointer; }
summary b { display: inline-block; min-width: 4.5rem; color: var(--accent); }
summary span { color: var(--quiet); }
pre { overflow: auto; padding: .75rem; border: 1px solid var(--line); border-radius: 4px; }
table { border-collapse: collapse; }
td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
"""


def render(document: dict[str, Any]) -> str:
    """The page: operations by tag, then the schemas that they refer to."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation["tags"] or ["Other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(items)}" for tag, items in sorted(by_tag.items()))
    schemas = "".join(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])} The document: <a href=openapi.json>openapi.json</a></p>"
        f"{sections}<h2>Schemas</h2>{schemas}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{escape(operation['description'])}</p>"] if "description" in operation else []
    parameters = [each for each in operation["parameters"] if each["in"] != "header"]
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(each['name'])}</code><td>{each['in']}<td>{_type(each['schema'])}"
            f"<td>{'required' if each['required'] else ''}"
            for each in parameters
        )
        parts.append(f"<table>{rows}</table>")
    if "requestBody" in operation:
        parts.append(f"<p>Body: {_content(operation['requestBody'])}</p>")
    for status, response in operation["responses"].items():
        parts.append(f"<p>{escape(status)} {escape(response['description'])} {_content(response)}</p>")
    summary = f"<b>{method.upper()}</b><code>{escape(path)}</code> <span>{escape(operation['summary'])}</span>"
    return f"<details id='{escape(operation['operationId'])}'><summary>{summary}</summary>{''.join(parts)}</details>"


def _content(holder: dict[str, Any]) -> str:
    return "".join(_type(content["schema"]) for content in holder.get("content", {}).values())


def _type(schema: dict[str, Any]) -> str:
    """A short name of a schema, with a link where it is a named one."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#schema-{escape(name)}'>{escape(name)}</a>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "anyOf" in schema:
        return " or ".join(_type(arm) for arm in schema["anyOf"])
    return escape(str(schema.get("format") or schema.get("type") or "any"))


def _schema(name: str, schema: dict[str, Any]) -> str:
    title, text = escape(name), escape(json.dumps(schema, indent=2))
    return f"<details id='schema-{title}'><summary><code>{title}</code></summary><pre>{text}</pre></details>"
