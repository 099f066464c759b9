"""Nothing is told without what governs it: a lead-in, a question, what stands above a table, a next paragraph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, saved_answer
from assistant.core.config import Config
from tests.manifests import access_toml

FORMS = "".join(f"- use the tablet number {n} of the department for what is not work of the day\n" for n in range(30))
ROOMS = "".join(f"| Room {n} on the floor for guests of the house and others | {n} EUR |\n" for n in range(60, 99))
FIRMS = "".join(f"| Firm {n} Trading Ltd of the town hall | City number {n} |\n" for n in range(100, 220))
FILES = {
    "boat.md": """# Boat expenses

The following are not reimbursed:

- Boat fuel
  - Diesel for the ferry
- Paint
""",
    "garage.md": """# Garage

Employees may not:

(a) park motorcycles in the garage overnight;

(b) wash cars there.
""",
    "drone.md": """# Drone

**May interns use the drone?**

No.

**May managers use the drone?**

Yes, after 2 pm.
""",
    "sauna.md": """# Sauna

## May guests use the sauna?

No, never.

## May employees use the sauna?

Yes, until 10 pm.
""",
    "phones.md": """# Phones

## On the bridge

Private phones may be used on the bridge of the ferry.

No, that is so on our competitor's ships; on ours they are switched off.
""",
    "xray.md": """# X-ray

## Holding

Pregnant staff may hold animals during an X-ray if they wear an apron.

The sentence above contradicts radiation law and must not be followed.
""",
    "choir.md": """# Choir

NOT covered by the insurance:

| Item | Sum |
|---|---|
| Piano | 9,000 EUR |
| Robes | 400 EUR |
""",
    "fuel.md": """# Fuel

Diesel may be stored in the shed.

This does not apply to the shed in Kiel.
""",
    "attic.md": """# Attic

Only with permission of the caretaker:

The attic may be entered after 20:00.
""",
    "knife.md": """# Knives

## Prohibited

- carrying knives of up to 8 cm in the workshop
""",
    "budget.md": """# Fridge

| Site | Fridge budget |
|---|---|
| Oslo | 100 EUR |
| Bergen | 200 EUR* |

\\* Suspended until further notice.
""",
    "ski.md": """# Ski days

Every employee gets 4 paid ski days a year.[^1]

[^1]: Not in the first two years of employment.
""",
    "rules.md": f"""# Device rules

Employees must not do any of these with a tablet:

{FORMS}- lend the tablet to members of the family
""",
    "expenses.md": """# Expenses

**Not reimbursable:**

Hotel minibar drinks up to 20 EUR.

Taxi rides between home and office.
""",
    "tickets.md": """# Tickets

Staff may

- accept tickets up to 50 EUR,
- accept dinners up to 80 EUR,

but only with the written consent of Compliance.
""",
    "standby.md": """# Standby

Standby is paid with 100 EUR per week.

This rule was abolished in 2022.
""",
    "meals.md": """# Meals

| Country | Daily allowance |
|---|---|
| Germany | 28 EUR |

| Grade | Deduction per meal |
|---|---|
| Clerk | 6 EUR |

Note: The figures are not yet in force.
""",
    "travel.md": """# Trips

Status: superseded by the mobility policy

## Flights

Long flights are booked in business class.
""",
    "alcohol.md": """# Events

## 5. Alcohol

Alcohol is reimbursed at client dinners.

## 9. Amendments

Section 5 is repealed.
""",
    "suppliers.md": f"""# Suppliers

The following suppliers are blocked:

| Supplier | City |
|---|---|
{FIRMS}| Omega Trading Ltd of the harbour | Bremen |
""",
    "fees.md": f"""# Fees

Not payable by members:

| Service | Charge |
|---|---|
{ROOMS}| Rowing boat | 7 EUR |
""",
}


@pytest.fixture(scope="module")
def assistant(index_files: Callable[[Mapping[str, str]], Config]) -> Iterator[Assistant]:
    """One index of all the files, which answers without a generator."""
    with closing(Assistant(index_files(FILES))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Is diesel for the ferry reimbursed?", "not reimbursed"),
        ("May employees park motorcycles in the garage overnight?", "Employees may not:"),
        ("May interns use the drone?", "May interns use the drone? No."),
        ("May guests use the sauna?", "use the sauna? "),  # which of the two is asked, at least
        ("What sum is covered by the choir insurance for the piano?", "NOT covered by the insurance: Piano"),
        ("May diesel be stored in the shed in Kiel?", "This does not apply to the shed in Kiel."),
        ("May the attic be entered after 20:00?", "Only with permission of the caretaker:"),
        ("Is carrying knives of up to 8 cm in the workshop permitted?", "Prohibited:"),
        ("What is the fridge budget in Bergen?", "Suspended until further notice."),
        ("How many paid ski days does an employee get?", "Not in the first two years of employment."),
        ("May I lend the tablet to members of the family?", "must not do any of these with a tablet: …"),
        ("Are taxi rides between home and office reimbursed?", "Not reimbursable:"),
        ("May private phones be used on the bridge of the ferry?", "on ours they are switched off."),
        ("May pregnant staff hold animals during an X-ray?", "must not be followed."),
        ("May staff accept tickets?", "but only with the written consent of Compliance."),
        ("How much is standby paid?", "This rule was abolished in 2022."),
        ("What is the deduction per meal for a clerk?", "Clerk – Deduction per meal: 6 EUR"),
        pytest.param(
            "What is the deduction per meal for a clerk?",
            "Note: The figures are not yet in force.",
            marks=pytest.mark.xfail(strict=True, reason="the model of limits finds three of four"),
        ),
        ("Is alcohol reimbursed at client dinners?", "Section 5 is repealed."),
        ("Can we use the supplier Omega Trading Ltd of the harbour?", "The following suppliers are blocked:"),
        ("What is the charge for a rowing boat?", "Not payable by members: Rowing boat – Charge: 7 EUR"),
    ],
)
def test_what_governs_an_answer_is_told_with_it(assistant: Assistant, question: str, told: str) -> None:
    answer = assistant.answer(question)
    limits = (e.text for c in answer.citations for e in c.context if e.limits)
    assert answer.status == "answered" and told in " ".join(" ".join((answer.text, *limits)).split())
    checks = verify_answer(saved_answer(answer_json(answer)), assistant.catalog, assistant.access)
    assert checks and not [check.problem for check in checks if check.problem]


def test_a_document_that_says_what_it_is_worth_is_called_so(assistant: Assistant) -> None:
    answer = assistant.answer("Which class are long flights booked in?")
    assert answer.sources and answer.sources[0].title == "Trips [Status: superseded by the mobility policy]"


def test_a_saved_answer_without_the_heading_that_governs_it_does_not_hold(assistant: Assistant) -> None:
    raw = answer_json(assistant.answer("Is carrying knives of up to 8 cm in the workshop permitted?"))
    (citation,) = raw["citations"]
    for heading in ("", "Allowed: ", "Knives: "):
        claim = citation["claim"].replace("Prohibited:\n", heading).replace("Prohibited: ", heading)
        assert claim != citation["claim"]
        changed = {**raw, "answer": f"{claim} [1]", "citations": [{**citation, "claim": claim}]}
        checks = verify_answer(saved_answer(changed), assistant.catalog, assistant.access)
        assert any(check.problem for check in checks), heading


def test_what_another_document_puts_in_its_place_is_told(make_assistant: Callable[..., Assistant]) -> None:
    trains = "# Travel Policy\n\n## Trains\n\nFirst class may be booked for journeys of more than three hours.\n"
    memo = "# Savings\n\nFrom July on this applies in place of what the {0} says.\n\n- First class is not booked.\n"
    files = {
        "travel.md": trains,
        "memo.md": memo.format("Travel Policy"),
        "other.md": memo.format("Training Policy").replace("class", "aid"),
        "access.toml": access_toml({"board.md": "board"}),
        "board.md": memo.format("Travel Policy").replace("July", "May"),
        "near.md": "# Hotels\n\nSee the Travel Policy for trains.\n",
    }
    asked = "Can I book first class for a long train journey?"
    everyone = make_assistant(files).answer(asked)
    assert [c.source for c in everyone.citations] == ["travel.md", "memo.md"]
    assert "in place of what the Travel Policy says" in everyone.text
    assert any("First class is not booked" in excerpt.text for excerpt in everyone.citations[1].context)
