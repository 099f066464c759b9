"""The language of a question, which may be three words long and misspelt; in doubt none is named."""

from __future__ import annotations

import pytest

from assistant.text.languages import language_of

ASKED = {
    "German": ["Wann verfällt mein Resturlaub?", "krank wie lange ohne attest", "Reisekosten Hotel Obergrenze"],
    "French": ["Qui dois-je prévenir si je suis malade ?", "congé maternité"],
    "Spanish": ["¿Quién paga el hotel en un viaje de trabajo?", "cuanto pagan por kilometro"],
    "Dutch": ["Hoe meld ik me ziek?"],
    "Polish": ["Czy dostanę zwrot kosztów podróży?"],
    "Chinese": ["出差可以坐头等舱吗?"],
    "Hindi": ["क्या मैं घर से काम कर सकता हूँ?"],
}
ENGLISH = [
    "hotell cap in londn",
    "HR-019",
    "What does CISO mean?",
    "Can I text in sick?",
    "hotel cap in Zurich?",
    "PTO??",
    "",
]


@pytest.mark.parametrize(("name", "question"), [(name, q) for name, asked in ASKED.items() for q in asked])
def test_other_languages_are_named(name: str, question: str) -> None:
    assert language_of(question) == name


@pytest.mark.parametrize("question", ENGLISH)
def test_what_an_employee_types_in_english_is_in_no_other_language(question: str) -> None:
    assert language_of(question) in ("English", "")
