from __future__ import annotations

import pytest

from assistant.core.records import Term
from ingest.document_reader import make_document
from ingest.formats import read_document
from ingest.sources import FoundFile
from ingest.terms import find_terms


def terms(markdown: str, name: str = "doc.md") -> dict[str, Term]:
    from pathlib import Path

    from assistant.core.records import Meta

    parsed = read_document(markdown.encode(), name)
    file = FoundFile(Path(name), Path(), name, 0, 0)
    document = make_document("d", file, "0" * 64, "", parsed, Meta())
    found = find_terms(document)
    assert all(t.definition == document.text[t.start : t.end] for t in found)
    return {t.name: t for t in found}


@pytest.mark.parametrize(
    ("markdown", "name", "definition"),
    [
        ("# Glossary\n\n- **[10X](https://x.example)** - A way to pitch an idea.", "10X", "A way to pitch an idea."),
        ("# Key Definitions\n\n* *Audit*: Internal process of reviewing.", "Audit", "Internal process of reviewing."),
        ("# Glossary\n\n- RTO: time to recover a service", "RTO", "time to recover a service"),
        (
            "# Glossary\n\n**Sponsor** – the employee who answers for a contractor.",
            "Sponsor",
            "the employee who answers for a contractor.",
        ),
        (
            '# Rules\n\nIn this policy, "near miss" means an event without harm.',
            "near miss",
            'In this policy, "near miss" means an event without harm.',
        ),
        (
            "# Rules\n\nThe Chief Information Security Officer (CISO) decides.",
            "CISO",
            "Chief Information Security Officer",
        ),
        ("# Glossary\n\n| Term | Definition |\n|---|---|\n| PO | purchase order |", "PO", "purchase order"),
        ("# Rules\n\n| Acronym | Meaning |\n|---|---|\n| SoW | statement of work |", "SoW", "statement of work"),
        ("# Terms\n\n| Acronym | Expansion | Meaning |\n|---|---|---|\n| PO | buy order | a sale |", "PO", "a sale"),
        ("# Roles\n\n| Role | Description |\n|---|---|\n| Cook | the one who cooks |", "Cook", "the one who cooks"),
        ("# Glossary\n\n## Leave year\n\nJanuary to December.", "Leave year", "January to December."),
    ],
)
def test_terms_are_found(markdown: str, name: str, definition: str) -> None:
    assert terms(markdown)[name].definition == definition


@pytest.mark.parametrize(
    "markdown",
    [
        "# Rules\n\n- **Start promptly**: move agreements through signature.",
        "# Rules\n\nThis means that you pay.",
        "# Rules\n\nWhich means nothing.",
        "# Rules\n\nSponsorship, which means payment, is approved.",
        "# Rules\n\nIn practice, this generally means that we close it.",
        "# Rules\n\nThe vendor may not by any means sell it.",
        "# Rules\n\nBy automated means it reads the mail.",
        "# Rules\n\nPlain text (see below) and (OK).",
    ],
)
def test_labels_and_remarks_are_not_terms(markdown: str) -> None:
    assert not terms(markdown)


def test_aliases() -> None:
    found = terms("# Glossary\n\n- **Electronic Protected Health Information (ePHI)**: Health data in systems.")
    assert found["Electronic Protected Health Information"].aliases == ("ePHI",)


def test_two_names_of_one_term() -> None:
    found = terms('# Definitions\n\n**"Developer" or "You"** means whoever made the application.')
    assert found["Developer"].aliases == ("You",)


def test_a_glossary_sheet_becomes_terms() -> None:
    csv = "Term,Also known as,Definition,Owner\nCISO,security chief,Chief Information Security Officer,Security\n"
    found = terms(csv, "glossary.csv")
    assert found["CISO"].aliases == ("security chief",)
    assert found["CISO"].definition.startswith("Chief Information Security Officer")


TABBED = """Cell Return\tThe return described in rule 3.4.
Shareholder\tA person who holds shares.
Client Money\tMoney of a client.
"""
NAMES = "Approved Person, Authorised Firm, Cell Return, Client Money, Controller, Fund Manager, Insurer, Shareholder"


@pytest.mark.parametrize("name", ["glossary.md", "glossary.txt"])
def test_definitions_are_set_off_by_tabs(name: str) -> None:
    found = terms(f"Glossary\n\n{TABBED}", name)
    assert {n: t.definition for n, t in found.items()} == {
        "Cell Return": "The return described in rule 3.4.",
        "Shareholder": "A person who holds shares.",
        "Client Money": "Money of a client.",
    }


@pytest.mark.parametrize("name", ["GLO.md", "glo.txt"])
def test_a_glossary_that_is_not_called_one_is_told_by_its_form(name: str) -> None:
    lines = "".join(f"{n}\tWhat the regulator says of it in rule {i}.\n" for i, n in enumerate(NAMES.split(", ")))
    assert list(terms(lines, name)) == NAMES.split(", ")
    assert all(t.scope == "organisation" for t in terms(lines, name).values())


def test_lists_of_labels_are_no_glossary() -> None:
    rows = "".join(f"- Record type: {n.lower()} kept for {i} years\n" for i, n in enumerate(NAMES.split(", ")))
    steps = "".join(f"- Step {i}: do what the form says\n" for i in (3, 1, 2, 9, 4, 8, 5, 7))
    assert terms(rows) == {} and terms(steps) == {}
    assert terms("Two\tcolumns\nof\tnumbers\n\nand text.") == {}
