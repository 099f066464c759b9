"""What nobody may read is taken out of a document's text, and all other places of it still hold."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.config import GuardsSection
from assistant.core.records import Document
from assistant.guards.run import Guards
from ingest import mask
from ingest.mask import masked_document, withheld

GUARDS = Guards(GuardsSection())
KEY = "AKIAQ3EGRIBX7FZYLM5Z"  # of nobody


def masked(text: str, guards: Guards = GUARDS) -> str:
    return masked_document(Document("d", "d.md", "D", text, "text/markdown", "5ha"), guards)[0].text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The key is " + KEY + ".\n", "The key is [AWS access key removed].\n"),
        (
            "## Passport number\n\nC01X00T47 must be kept.\n",
            "## Passport number\n\n[passport number removed] must be kept.\n",
        ),
        ("## PIN\n\nIt is secret.\n\n4821\n", "## PIN\n\nIt is secret.\n\n[code removed]\n"),
        ("The alarm code:\n\n- 48213 on workdays\n", "The alarm code:\n\n- [code removed] on workdays\n"),
        (
            "| Field | Value |\n|---|---|\n| Passport number | 73000001 |\n",
            "| Field | Value |\n|---|---|\n| Passport number | [passport number removed] |\n",
        ),
        (
            "| Who | Desk | Bank account |\n|---|---|---|\n| Anna | 4 | 83000001 |\n",
            "| Who | Desk | Bank account |\n|---|---|---|\n| Anna | 4 | [bank account removed] |\n",
        ),
        (
            "| Field | Anna | Ben |\n|---|---|---|\n| Bank account | 83000001 | 83000002 |\n",
            "| Field | Anna | Ben |\n|---|---|---|\n"
            "| Bank account | [bank account removed] | [bank account removed] |\n",
        ),
        ("Field: Passport number; Value: 73000001\n", "Field: Passport number; Value: [passport number removed]\n"),
        (
            "The passport numbers:\n\n    73000001\n    73000002\n",
            "The passport numbers:\n\n    [passport number removed]\n    [passport number removed]\n",
        ),
    ],
)
def test_a_value_is_masked_by_whatever_names_it(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize("above", ["Who may know it?\n\n", "Doors\n\n", "Who types it?\n\nDoors\n\n"])
def test_what_stands_above_a_lead_in_does_not_part_it_from_its_items(above: str) -> None:
    assert "48213" not in masked(f"{above}The alarm code:\n\n- 48213 on workdays\n")


def test_a_lead_in_names_every_item_however_far_below_it() -> None:
    codes = "".join(f"- {20_000 + n * 37}\n" for n in range(1, 4_000))
    rows = "".join(f"| Traveller {n} | Desk {n} | {53_000_000 + n * 7_919} |\n" for n in range(1, 900))
    shown = masked(
        f"# Building\n\nThe alarm codes:\n\n{codes}\n## Travellers\n\n"
        f"| Traveller | Desk | Passport number |\n|---|---|---|\n{rows}\nEnd.\n"
    )
    assert len(shown) > mask.STRETCH
    assert shown.count("[code removed]") == 3_999 and shown.count("[passport number removed]") == 899


def test_what_no_cell_names_and_contacts_are_shown() -> None:
    text = (
        "| Place | Rooms | Cost |\n|---|---|---|\n| Leeds | 40 | 12000 euros |\n\n- Hall: 20 seats\n\n"
        "Phone:\n\n- 020 7946 0958 or desk@tarn.example\n"
    )
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("## What is the door code of the hall?\n\n4821.\n", "4821"),
        ("What is the Wi-Fi password?\n\nTulip42x\n", "Tulip42x"),
        ("Door code: Alarm code; 7719: 3380\n", "7719"),
        ("Door code: Alarm code; 7719: 3380\n", "3380"),
        ("Password (temporary): Kestrel77q\n", "Kestrel77q"),
        ("| System | Password (changed May) |\n|---|---|\n| VPN | Rosebud42x |\n", "Rosebud42x"),
        ("| System | PIN* |\n|---|---|\n| VPN | 6614 |\n", "6614"),
        ("PIN 1: 6614\n", "6614"),
        ("Wi-Fi password[^1]: Tulip43x\n", "Tulip43x"),
        ("Passport No. (as printed): 533000001\n", "533000001"),
        ("| Bank account | Barclays | 83000001 |\n", "83000001"),
        ("Item: Bank account; Where: Barclays; Value: 83000001\n", "83000001"),
        ("The passport numbers are:\n\n| Anna | 533000001 |\n", "533000001"),
        ("Door codes:\n\n| Hall | 4821 |\n|---|---|\n| Lab | 3377 |\n", "4821"),
        ("| Wi-Fi password (new guests) | Tulip42x |\n|---|---|\n", "Tulip42x"),
        ("## Wi-Fi password (guests): Tulip42x\n", "Tulip42x"),
        ("Guest network: Tarn\nWi-Fi password (guests): Tulip42x\n", "Tulip42x"),
        ("| UK | Password (guests): Tulip42x |\n", "Tulip42x"),
        ("- Reception: Wi-Fi password (guests): Tulip42x\n", "Tulip42x"),
        ("- Passport No. (as printed): 533000001\n", "533000001"),
        ("Passwords:\nVPN: Tulip42x\n", "Tulip42x"),
        ("| Who | Passport numbers |\n|---|---|\n| x | Anna: 533000001 |\n", "533000001"),
        ("## Door codes.\n\n4821\n", "4821"),
        ("“What is the door code?”\n\n4821\n", "4821"),
        ("The door codes are as follows:\n\n- 4821\n", "4821"),
    ],
)
def test_a_value_is_masked_behind_each_name_that_it_stands_below_or_beside(text: str, hidden: str) -> None:
    assert hidden not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "## Passwords\n\n1Password is the only password manager that we allow.\n",
        "## PIN\n\n1234 and 0000 are not allowed.\n",
        "Timesheets: use time code 1040 for training.\n",
        "| Issue key | Title |\n|---|---|\n| PROJ-1234 | Doors |\n",
        "## Income tax\n\nGBP 12570 is free of tax.\n",
        "| Licences | EUR 12000 |\n",
        "## What may be a password?\n\n12 characters at least.\n",
        "## Door codes\n\nHall: 4821 until May\n\n- Extension: 4417\n\nForm FM-104 is signed.\n",
        "## Health insurance\n\n| Phone | 0300 123 4567 |\n\n| Health insurance | 0300 123 4567 |\n",
        "| Income tax | 31/01/27 |\n",
        "Record sick leave with code 2041.\n",
        "# Licences\n\n- Version 10.0.19045 of Windows\n",
    ],
)
def test_what_an_ordinary_policy_says_below_a_name_is_shown(text: str) -> None:
    assert masked(text) == text


def test_a_short_number_in_a_cell_may_be_a_sum() -> None:
    text = "| Cost | 2026 |\n|---|---|\n| Tax | 12000 |\n| Account fees | 990 |\n"
    assert masked(text) == text


@pytest.mark.parametrize(
    ("above", "left"),
    [
        ("## Account 635000: Gifts\n\n", "## Account [bank account removed]: Gifts\n\n"),
        ("# The alarm code is 4821\n\n", "# The alarm code is [code removed]\n\n"),
        ("Bank account 12345678:\n\n", "Bank account [bank account removed]:\n\n"),
        ("Bank account 12345678:\n\n- ", "Bank account [bank account removed]:\n\n- "),
    ],
)
def test_what_is_masked_above_takes_nothing_with_it_that_stands_below(above: str, left: str) -> None:
    said = "Gifts to clients need the approval of the director. They are listed.\n"
    assert masked(above + said) == left + said


def test_a_value_behind_a_name_is_masked_below_a_lead_in() -> None:
    shown = masked("The passport numbers are:\n\n- Anna: K7654321\n- Ben:K7654322\n- (K7654323)\n")
    assert "K765432" not in shown and "Anna: [" in shown


def test_what_is_masked_is_in_no_other_place_of_the_text() -> None:
    text = "The Wi-Fi password is Tulip42x. Guests type Tulip42x, or tulip bulbs, in room 42.\n\n| Tulip42x |\n"
    assert masked(text).count("[password removed]") == 3 and "or tulip bulbs, in room 42" in masked(text)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Door codes:\n\n- Ground floor\n  - Hall: 4821\n", "4821"),
        ("Passport numbers:\n\n- Office\n  - Ann: 12345678\n", "12345678"),
        ("# Door code\n\n4821\n", "4821"),
        ("# PIN:\n\n4821\n", "4821"),
        ("# Password\n\nTulip-42!\n", "Tulip-42!"),
    ],
)
def test_a_code_is_named_by_a_heading_and_by_what_its_list_lies_in(text: str, hidden: str) -> None:
    assert hidden not in masked(text)


@pytest.mark.parametrize("lead", ["The bank accounts are ", "Accounts:\n"])
def test_a_list_is_masked_whole_wherever_a_stretch_would_end(lead: str) -> None:
    joint = ", " if lead.endswith(" ") else "\n"
    numbers = joint.join(str(12_345_678 + n) for n in range(80))
    for before in range(mask.STRETCH - 400, mask.STRETCH + 50, 90):
        text = "word " * (before // 5 - 1) + "end.\n\n" + lead + numbers + ".\n\nThe end.\n"
        assert not re.search(r"123456|1234575", masked(text)), before


def test_an_amount_is_shown_however_large() -> None:
    for text in ("Tax: 1200000 euros.\n", "The tax is 1500000 dollars a year.\n", "Tax: 12000 euros.\n"):
        assert masked(text) == text


def test_a_row_is_named_by_its_columns_where_cells_are_empty() -> None:
    text = "| Who | Note | Passport number |\n|---|---|---|\n| Anna |  | 73000001 |\n| 73000009 |  |  |\n"
    assert masked(text) == text.replace("73000001", "[passport number removed]")


@pytest.mark.parametrize(
    "text",
    [
        "The codes are:\n\n- " + "4821 " * 8_000 + "\n",
        "The bank accounts are:\n\n" + "".join(f"{'  ' * (n % 40)}- Account 123456{n:04}\n" for n in range(1_000)),
        "| " + "12345678 | " * 4_000 + "\n",
        "PIN: " * 20_000 + "\n",
        "The PIN:\n" * 10_000,
        f"{'| PIN ' * 2_000}|\n{'|---' * 2_000}|\n" + "| 12 | 13 |\n" * 2_000,
    ],
)
def test_masking_takes_time_as_the_text_grows(text: str) -> None:
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 10


def test_the_hash_of_what_is_masked_tells_nothing_of_it() -> None:
    def read(code: str) -> Document:
        text = f"# Doors\n\nThe alarm code is {code}.\n"
        return masked_document(Document("d", "d.md", "D", text, "text/markdown", f"hash of {code}"), GUARDS)[0]

    assert read("4821").sha256 == read("4822").sha256 != "hash of 4821"
    plain = Document("d", "d.md", "D", "It is blue.\n", "text/markdown", "5ha")
    assert masked_document(plain, GUARDS)[0].sha256 == "5ha"


@pytest.mark.parametrize("at", [0, 1, 150, 299, 300, 301, 5_999])
def test_nothing_is_missed_where_stretches_meet(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask, "STRETCH", 1_000)
    for edge in range(990 - len(KEY), 1_010, 3):
        text = "word " * 2_000
        text = f"{text[: edge + at]} {KEY} {text[edge + at :]}"
        (span,) = withheld(text, GUARDS)
        assert text[span.start : span.end] == KEY


@given(
    st.lists(st.sampled_from(["Cars park. ", f"{KEY} ", "# Keys\n\n", "The alarm code is 48213. ", "a@b.example\n\n"])),
    st.data(),
)
def test_pages_and_emphases_stay_where_they_were(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    at = st.integers(0, len(text))
    pages = tuple(sorted({0, *data.draw(st.lists(at))}))
    emphases = tuple(
        sorted((min(pair), max(pair)) for pair in data.draw(st.lists(st.tuples(at, at))) if len({*pair}) > 1)
    )
    document = Document("d", "d.md", "D", text, "text/markdown", "5ha", pages, emphases=emphases)
    shown, spans = masked_document(document, GUARDS)
    assert KEY not in shown.text and "48213" not in shown.text
    inside = [page for page in pages if any(span.start < page < span.end for span in spans)]
    for was, now in zip(pages, shown.pages, strict=True):
        if was not in inside:  # what is left before it is as it was
            before = replace(document, text=text[:was])
            assert shown.text[:now] == mask.mask(before.text, [span for span in spans if span.end <= was])
        else:
            assert shown.text[now] == "["
    whole = [(a, b) for a, b in emphases if not any(span.meets(a, b) for span in spans)]
    assert [shown.text[a:b] for a, b in shown.emphases] == [text[a:b] for a, b in whole]
