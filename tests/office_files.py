"""The documents of a small office: see the fixture `office`."""

from __future__ import annotations

CARRY = "How much annual leave may employees carry over?"
QUOTE = "Employees may carry over at most 1.5 weeks of annual leave."
NOTHING = "Which hamsters live on Jupiter's moons?"
BAND = "What is the salary band of a senior engineer?"
FILES = {
    "hr/leave.md": """# Annual Leave Policy

## Carry-over

Employees may carry over at most 1.5 weeks of annual leave. Carried-over days expire on 31 March.

## First day

To the first day of work, new employees must bring:

- a passport or an identity card,
- two photographs.
""",
    "travel.md": """# Travel Policy

## Hotels

The limit for a hotel night is 140 euros. A higher price needs the approval of the Finance Manager.

## Meals

| Meal | Limit |
| --- | --- |
| Breakfast | 12 euros |
| Dinner | 35 euros |
""",
    "words.md": """# Words

**RTO** (recovery time objective) means the longest time for which an activity may be down. Ask its owner.

**Quiet hours** means the hours from 22:00 to 07:00.

## Continuity

The RTO of the billing system is 4 hours.
""",
    "access.toml": 'default = "everyone"\n[[access]]\npaths = ["salaries.md"]\naudience = ["managers"]\n',
    "salaries.md": """# Salary Bands

**Golden band** means the salary band above all others.

The salary band of a senior engineer is 71,000 to 88,000 euros.
""",
    "bicycle.md": """---
expires: 2020-12-31
---
# Bicycle Policy

The bicycle allowance is 0.23 euros for each kilometre.
""",
}
