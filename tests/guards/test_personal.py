"""Personal data is found where it stands, and nothing that only looks like it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guards import GuardInput, Span
from assistant.guards.personal import Personal, personal_spans
from assistant.guards.run import MASKED, mask


def masked(text: str) -> str:
    return mask(text, personal_spans(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to jo.bloggs+hr@mail.example.org.", "Write to [e-mail removed]."),
        ("(jo@example.org)", "([e-mail removed])"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [IBAN removed] please"),
        ("IBAN GB29NWBK60161331926819.", "IBAN [IBAN removed]."),
        ("card 4111-1111-1111-1111, ok", "card [card number removed], ok"),
        ("4111 1111 1111 1111 10.0.0.1", "[card number removed] [IP address removed]"),
        ("10.0.0.1 4111 1111 1111 1111", "[IP address removed] [card number removed]"),
        ("bay 12 4111 1111 1111 1111", "bay 12 [card number removed]"),
        ("card 378282246310005", "card [card number removed]"),
        ("call +44 20 7946 0958 now", "call [phone number removed] now"),
        ("Tel: 0151 2345678", "Tel: [phone number removed]"),
        ("(202) 555-0143 is mine", "[phone number removed] is mine"),
        ("Phone: 60-56-85-91", "Phone: [phone number removed]"),
        ("SSN 536-90-4399", "SSN [social security number removed]"),
        ("from 192.168.10.4 and 2001:db8::17", "from [IP address removed] and [IP address removed]"),
        ("DNI 54362315-K", "DNI [identity number removed]"),
        ("BSN 111222333", "BSN [citizen number removed]"),
        ("CPF 390.533.447-05", "CPF [tax number removed]"),
        ("jane＠example.com and jané@exämple.de", "[e-mail removed] and [e-mail removed]"),
        ("jane [at] example [dot] com", "[e-mail removed]"),
        ("jane at example dot com", "[e-mail removed]"),
        ('"jane doe"@example.com', "[e-mail removed]"),
        ("mailto:jane%40example.com", "mailto:[e-mail removed]"),
        ("from 00:1A:2B:3C:4D:5E", "from [hardware address removed]"),
        ("passport C01234567", "passport [passport number removed]"),
        ("my passport no. is X1234567.", "my passport no. is [passport number removed]."),
        ("my passport (533380006)", "my passport ([passport number removed])"),
        ("My passport number, 533380006, is old", "My passport number, [passport number removed], is old"),
        ("my licence is 99887766", "my licence is [licence number removed]"),
        ("insurance no. 99887766", "insurance no. [insurance number removed]"),
        ("My insurance policy number is 99887766", "My insurance policy number is [insurance number removed]"),
        ("my car registration is AB12 CDE", "my car registration is [number plate removed]"),
        ("My plate is B-AB 1234", "My plate is [number plate removed]"),
        ("sort code 12-34-56", "sort code [bank account removed]"),
        ("my national ID is 12-345-678", "my national ID is [identity number removed]"),
        ("born on the 12th of March 1987", "born on the [birth date removed]"),
        ("DOB 1987-03-12", "DOB [birth date removed]"),
        ("geboren am 12.03.1987", "geboren am [birth date removed]"),
        ("phone two zero two five five five zero one four three", "phone [phone number removed]"),
    ],
)
def test_personal_data_is_masked(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("licence number 12345678", "licence number #"),
        ("licence no: 1234567", "licence no: #"),
        ("Her licence is D1234567.", "Her licence is #."),
        ("the licence was D1234567", "the licence was #"),
        ("driving licence number: MORGA 657054 SM9IJ", "driving licence number: #"),
        ("passports 123456789 and 987654321", "passports # and #"),
        ("passport numbers: 123456789, 987654321", "passport numbers: #, #"),
        ("accounts: 55779911, 55779912 and 55779913", "accounts: #, # and #"),
        ("accounts: 55779911,55779912;\n55779913, or 55779914", "accounts: #,#;\n#, or #"),
        ("account no. 55779911 and no. 55779912", "account no. # and no. #"),
        ("accounts 1234, 55779912", "accounts 1234, #"),
        ("accounts 55779911 (Anna), 55779912 (Bo)", "accounts # (Anna), # (Bo)"),
        ("Accounts:\n- 55779911\n- 55779912", "Accounts:\n- #\n- #"),
        ('{"account_ids": ["55779911", "55779912"]}', '{"account_ids": ["#", "#"]}'),
        ("VAT number GB123456789; the VAT no. GB 123 4567 80", "VAT number #; the VAT no. #"),
        ("NIFs 501964843 and 501964844", "NIFs # and #"),
        ("Kontonummern 12345678 und 87654321", "Kontonummern # und #"),
        ("passport 123456789, account 55779911", "passport #, account #"),
        ("plates AB12 CDE and B-AB 1234", "plates # and #"),
        ("dates of birth: 1987-03-12, 1988-04-13", "dates of birth: #, #"),
        # another kind, by its sum, is no gap in a list
        ("accounts DE89 3704 0044 0532 0130 00, 55779912", "accounts #, #"),
        ("accounts 55779911, 4111 1111 1111 1111 and 55779913", "accounts #, # and #"),
        ("accounts 44051401359 55779912", "accounts # #"),
        ("accounts 55779911 44051401359 55779912", "accounts # # #"),
        (f"accounts {' '.join(['55779911'] * 20)}, 55779912", "accounts #, #"),
        # in tables, with an owner, over lines, emphasised
        ("Passport:\tK1234567", "Passport:\t#"),
        ("accounts\t82345678\t83456789", "accounts\t#\t#"),
        ("| Passport number | 73000001 |", "| Passport number | # |"),
        ("| Bank account | 83000001 | 83000002 |", "| Bank account | # | # |"),
        ("Account number of the driver: 48392019", "Account number of the driver: #"),
        (
            "account numbers of Carla and Dora are 48392019 and 48392020",
            "account numbers of Carla and Dora are # and #",
        ),
        ("| Account of Carla | 48392019 |", "| Account of Carla | # |"),
        ("my accounts:\n82345678\n83456789", "my accounts:\n#\n#"),
        ("my accounts:\r\n- 81234567\r\n- 82345678", "my accounts:\r\n- #\r\n- #"),
        ("my accounts:\n1. 81234567\n2. 82345678", "my accounts:\n1. #\n2. #"),
        ("my accounts:\n\n1) 81234567\n\n2) 82345678\n", "my accounts:\n\n1) #\n\n2) #\n"),
        ("accounts:\n  + 81234567 (Anna)\n  + 82345678 (Bo)", "accounts:\n  + # (Anna)\n  + # (Bo)"),
        ("accounts:\n* 81234567\n* 82345678", "accounts:\n* #\n* #"),
        ("accounts:\n\u2022 81234567\n\u2022 82345678", "accounts:\n\u2022 #\n\u2022 #"),
        ("**Accounts:** `81234567`, _82345678_ and **83456789**", "**Accounts:** `#`, _#_ and **#**"),
        ("accounts:\n- **81234567**\n- __82345678__", "accounts:\n- **#**\n- __#__"),
        ("geboren am\n12. M\u00e4rz 1987", "geboren am\n#"),
    ],
)
def test_all_numbers_behind_a_word_are_masked(text: str, left: str) -> None:
    assert MASKED.sub("#", masked(text)) == left


@pytest.mark.parametrize(
    "text",
    [
        "IBAN DE88 3704 0044 0532 0130 00 has a wrong sum",
        "card 4111 1111 1111 1112 has a wrong sum",
        "Version 1.2.3.4567 of 2024-05-03 12:20:39, order 20240503, page 12-14",
        "Sections 3.1.4.1.5 and 10.2",
        "From 1 January 2023 to 31 December 2024 it is 1,200,000.50 euros.",
        "on 03/04/2024 at 10:15:30",
        "Form 123456789 and invoice 987654321",
        "Meet me at 2450 12 Crown Street",
        "a@b, @handle, user@localhost",
        "The range is 1000 - 2000 and 0.5 to 0.75",
        "Section 12.3.4.5, budget 2023 2024 2025 2026, fee 1 000 000 000 000 euros",
        "tax year 2023-2024, tax of 12,500 euros, health insurance 2024/2025, passport valid 2024-05-03",
        "the account, 50000 euros, and the passport, 12000 of which were lost; car registration in 2024",
        "insurance (500,000 euros), account (2024/2025), your licence (12 months)",
        "Your passport must be valid for 6 months; your account number is on your statement.",
        "born in 1987; children born after 2020; a plate of food; fin 2024 budget 12345",
        "Use your @example.org address; meet at reception dot the i's",
        "SOP TC-18-CS1-001 is to help, ref 2024-000123-45",
        "ISBN 978-3-16-148410-0",
        "a driving licence for 12 years, a licence fee of 12000 euros; the software licence costs 15000",
        "The licence is 12000 euros a year; licences: 15000 users; licence 2024-05-03 and 2023/2024; VAT of 12500",
        "account for the year 20245; account for 12000 euros; the account team has 12345 users; licence: 3 years",
        "| Account | Amount |\n|---|---|\n| Rent | 1250000 |\n| Travel account | 12000 | 15,500.00 | 12 000 |",
        "tax of the year: 12000; the licence for the platform is 15,000 a year",
        "Account\tAmount\nSavings account\t12000\t1.250.000,00",
        "Your account:\n- 10 days\n- 12345 users\n\n1. 15000 euros",
        "the licence, 12,000 of which, and licences 2023 and 2024; a licence to serve 20000 people",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert masked(text) == text


BREAKS = [
    " ", "-", ".", "/", "_", "\n", "  ", ", ", "\t", "\u00a0", "\u00ad", "\u00b7", "\u2009", "\u200b", "\u2011",
    "\u2013", "\u2014", "\u202f", "\u2060", "\u2212",
]  # fmt: skip


@pytest.mark.parametrize("sign", BREAKS)
def test_a_card_is_found_whatever_parts_its_groups(sign: str) -> None:
    assert masked(f"card {sign.join(['4111', '1111', '1111', '1111'])} ok") == "card [card number removed] ok"
    assert masked(f"card {sign.join(['3782', '822463', '10005'])} ok") == "card [card number removed] ok"


@pytest.mark.parametrize("sign", BREAKS)
def test_an_iban_is_found_whatever_parts_its_groups(sign: str) -> None:
    assert masked(f"to {sign.join('DE89 3704 0044 0532 0130 00'.split())}") == "to [IBAN removed]"


@pytest.mark.parametrize(
    "digits",
    [
        "４１１１１１１１１１１１１１１１",
        "٤١١١١١١١١١١١١١١١",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "four one one one 1111 1111 1111",
    ],
)
def test_a_card_is_found_in_any_digits(digits: str) -> None:
    assert masked(f"card {digits} ok") == "card [card number removed] ok"


@pytest.mark.parametrize(
    "said",
    [
        "My SSN is 536-90-4399", "NINO AB 12 34 56 C", "AB123456C", "NHS 943 476 5919", "36574261809",
        "255081416802538", "RSSMRA85T10A562S", "12345678Z", "X1234567L", "85.07.30-033.28", "85073003328",
        "44051401359", "811228-9874", "756.9217.0769.85", "1234567T", "2345 6789 0124", "ABCPE1234F",
        "SIN 046 454 286", "TFN 123 456 782", "529.982.247-25", "52998224725",
        # of other countries behind their label alone
        "SVNR 1237 010180", "NIF 501964843", "My Number 1234 5678 9018", "rodné číslo 710319/2745", "TC 17291716060",
    ],
)  # fmt: skip
def test_a_national_number_is_found(said: str) -> None:
    assert "removed]" in masked(f"({said})")


def test_a_span_is_where_the_text_has_it_and_not_where_it_was_read() -> None:
    text = "\u200be\u0301 \u200b４１１１\u200b１１１１\u00a0１１１１ １１１１\u200b."
    assert masked(text) == "\u200be\u0301 \u200b[card number removed]\u200b."


def test_a_line_behind_a_number_is_no_list_where_it_goes_on_in_words() -> None:
    assert masked("Account: 82345678\n10115 Berlin") == "Account: [bank account removed]\n10115 Berlin"


def test_a_cited_contact_is_no_leak_but_an_account_is() -> None:
    text = "Ask help@example.org or +44 20 7946 0958; pay to GB29NWBK60161331926819; not to x@example.org."
    found = Personal().check(GuardInput(text, "output", sources=(text.replace(" not to x@example.org.", ""),)))
    assert found is not None and [text[s.start : s.end] for s in found.spans] == [
        "GB29NWBK60161331926819",
        "x@example.org",
    ]


PARTS = st.sampled_from(
    [
        "a@b.example",
        "GB29NWBK60161331926819",
        "4111 1111 1111 1111",
        "+44 20 7946 0958",
        "10.0.0.1",
        "word",
        "é😀",
        "e\u0301\u200b",
        "one two three four",
        "jane＠example.com",
        "\n",
    ]
)


@given(st.lists(st.one_of(PARTS, st.text(max_size=12)), max_size=12).map(" ".join))
def test_spans_lie_in_order_inside_the_text_and_masking_is_done_at_once(text: str) -> None:
    spans = personal_spans(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert not personal_spans(mask(text, spans)) or masked(masked(text)) == masked(text)


def test_letters_that_match_a_pattern_only_when_case_is_ignored_are_no_digits() -> None:
    assert masked("zero oh s\u0130x nine nine nine nine") == "zero oh s\u0130x nine nine nine nine"


def test_a_number_that_the_library_trips_over_is_none() -> None:
    assert masked("code 111111111111110556 here") == "code 111111111111110556 here"


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["x", "y"])), max_size=6),
)
def test_masking_takes_out_what_the_spans_hold_and_keeps_the_rest(text: str, raw: list[tuple[int, int, str]]) -> None:
    spans = [Span(min(a, b), max(a, b), k) for a, b, k in raw if max(a, b) <= len(text) and a != b]
    kept = "".join(c for i, c in enumerate(text) if not any(s.start <= i < s.end for s in spans))
    said = mask(text, spans)
    if "[" not in text:
        assert said.replace("[x removed]", "").replace("[y removed]", "") == kept
