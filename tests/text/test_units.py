"""What may be quoted knows what it stands under, wherever that is in its section."""

from __future__ import annotations

import pytest

from assistant.text.units import units


def above(text: str) -> dict[str, list[str]]:
    """Return each unit with the texts of its lead and what else is said with it, in the order of the text."""
    found = {}
    for unit in units(text):
        spans = sorted((*unit.also, *((unit.lead,) if unit.lead else ())))
        found[text[unit.start : unit.end]] = [text[slice(*span)] for span in spans]
    return found


@pytest.mark.parametrize(
    ("text", "unit", "chain"),
    [
        ("You must not:\n\n- With laptops:\n  - lend them\n- smoke", "lend them", ["You must not:", "With laptops:"]),
        ("You must not:\n\n- With laptops:\n  - lend them\n- smoke", "smoke", ["You must not:"]),
        ("Nobody may, unless told,\n\n(i) open the kiln;\n\n(ii) clean it.", "clean it.", ["Nobody may, unless told,"]),
        ("Staff may not:\n\n(a) park;\n\nThis is new.\n\n(b) smoke.", "smoke.", ["Staff may not:"]),
        ("Staff must not\n\n- enter the tank", "enter the tank", ["Staff must not"]),
        ("1. Prohibited\n\n1.1 Lifting persons.\n\n2. Permitted\n\n2.1 Pallets.", "2.1 Pallets.", ["Permitted"]),
        ("With leave only:\n\nIt may be played.\n\nIt is old.", "It may be played.", ["With leave only:"]),
        ("With leave only:\n\nIt may be played.\n\nIt is old.", "It is old.", ["With leave only:"]),
        ("You may:\n\n- a dog\n\nIt is old.", "It is old.", []),
        ("Forbidden gifts\n\nCash from a supplier.\n\nWine.", "Wine.", ["Forbidden gifts"]),
        ("May interns?\n\nNo.\n\nMay managers?\n\nYes.", "No.", ["May interns?"]),
        ("May interns?\n\nNo.\n\nMay managers?\n\nYes.", "Yes.", ["May managers?"]),
        ("Q: A hamster?\nA: No.\nQ: A goldfish?\nA: Yes.", "A: No.", ["Q: A hamster?"]),
        ("Need a badge? Ask the desk.\n\nIt opens at 8.", "It opens at 8.", []),
        ("What may I bring?\n\nOnly:\n\n- a dog", "a dog", ["What may I bring?", "Only:"]),
        ("NOT paid:\n\n| Item | Sum |\n|---|---|\n| Piano | 9 |", "| Piano | 9 |", ["NOT paid:", "| Item | Sum |"]),
        ("(withdrawn)\n\n| Item | Sum |\n|---|---|\n| Piano | 9 |", "| Piano | 9 |", ["(withdrawn)", "| Item | Sum |"]),
        ("Sums are gross.\n\n| Item | Sum |\n|---|---|\n| Piano | 9 |", "| Piano | 9 |", ["| Item | Sum |"]),
        ("You must not:\n\n- smoke\n\n## Else\n\n- a ladder", "a ladder", []),
        (f"- {'It lifts. ' * 250}\n  You must not:\n  - ride on it", "ride on it", ["You must not:"]),
        ("| A | B |\n|---|---|\n| x | 1 |\n\n| C | D |\n|---|---|\n| y | 2 |", "| y | 2 |", ["| C | D |"]),
    ],
)
def test_a_unit_knows_what_it_stands_under(text: str, unit: str, chain: list[str]) -> None:
    assert above(text)[unit] == chain
