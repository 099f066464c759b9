"""A page for people that shows an OpenAPI document: without a script, and with nothing that is fetched elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin-top: 2.5rem; } h2, code { font-family: ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left; vertical-align: top; }
"""

Json = dict[str, Any]


def page(document: Json) -> str:
    """Return the page that shows a document."""
    title = escape(" ".join((document["info"]["title"], document["info"]["version"])))
    operations = (_shown(path, *told) for path, methods in document["paths"].items() for told in methods.items())
    schemas = (_table(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(document['info']['description'])}</p>"
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"{''.join(operations)}{''.join(schemas)}</html>"
    )


def _shown(path: str, method: str, told: Json) -> str:
    asked = told["requestBody"]["content"]["application/json"]["schema"] if "requestBody" in told else {}
    given = told["responses"]["200"]["content"]["application/json"]["schema"]
    takes = f"<p>It takes {_kind(asked)}.</p>" if asked else ""
    return (
        f"<h2>{escape(method.upper())} {escape(path)}</h2><p>{escape(told['summary'])}</p>{takes}"
        f"<p>It returns {_kind(given)}.</p>"
    )


def _table(name: str, schema: Json) -> str:
    said = escape(schema.get("description", ""))
    return f'<h2 id="{escape(name)}">{escape(name)}</h2><p>{said}</p><table>{"".join(_rows(schema))}</table>'


def _rows(schema: Json) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        must = "" if name in schema.get("required", ()) else "optional"
        told = escape(field.get("description", ""))
        yield f"<tr><td><code>{escape(name)}</code></td><td>{_kind(field)}</td><td>{must}</td><td>{told}</td></tr>"


def _kind(schema: Json) -> str:
    """Return in words, and links, what values a schema takes."""
    if reference := schema.get("$ref"):
        name = escape(reference.rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))
