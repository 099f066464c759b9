"""Each rule finds its fault, and leaves alone what only looks like one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.core.records import Document, Meta
from assistant.index.schema import SourceRow
from ingest.formats import read_document
from ingest.lint.corpus import Corpus, Fault, Policy
from ingest.lint.run import RULES
from ingest.terms import find_terms

TODAY = "2026-06-01"
CHECKS = {rule.code: rule.check for rule in RULES}


def policy(root: Path, name: str, text: str, **meta: Any) -> Policy:
    """Read a text as an ingest would, with metadata of its own."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    parsed = read_document(text.encode(), name)
    document = Document(
        id=name,
        source=name,
        title=parsed.title,
        text=parsed.text,
        media_type=parsed.media_type,
        sha256=name,
        emphases=parsed.emphases,
        meta=Meta(**meta),
    )
    return Policy(
        document=document,
        terms=find_terms(document),
        indexed=[(0, len(parsed.text))],
        row=SourceRow(str(path), str(root), name, name, 0, 0, 0, name, Meta(**meta)),
        links=parsed.links,
        anchors=parsed.anchors,
    )


def no_model(*_: object) -> NDArray[np.float32]:
    raise AssertionError("this rule needs no model")


def faults(code: str, *policies: Policy) -> list[Fault]:
    return list(CHECKS[code](Corpus(policies, (), TODAY, no_model)))


def quotes(code: str, *policies: Policy) -> list[str]:
    return [fault.policy.text[fault.start : fault.end] for fault in faults(code, *policies)]


# --- terms -------------------------------------------------------------------------------------------------------


def test_a_term_that_two_documents_define_differently(tmp_path: Path) -> None:
    one = policy(tmp_path, "a.md", "# Leave\n\n**Leave day** means 7.5 hours of a full-time employee.\n")
    same = policy(tmp_path, "b.md", "# Sick\n\n**Leave day** means 7.5 hours of a full-time employee.\n")
    other = policy(tmp_path, "c.md", "# Pay\n\n**Leave day** means 8 hours of a full-time employee.\n")
    here = policy(tmp_path, "d.md", "# Night\n\nIn this policy, **leave day** means a shift of 12 hours.\n")
    assert [fault.policy.source for fault in faults("term-redefined", one, same, other, here)] == ["c.md"]


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("**Grace period** means ten days after the due date.\n\nNobody pays late.\n", True),
        ("**Grace period** means ten days after the due date.\n\nGrace periods end at noon.\n", False),
        ("**Grace period** means ten days. A grace period ends at noon.\n", False),
    ],
)
def test_a_term_that_nothing_uses(tmp_path: Path, text: str, unused: bool) -> None:
    assert bool(faults("term-unused", policy(tmp_path, "a.md", f"# Paying\n\n{text}"))) == unused


def test_a_term_that_is_said_to_be_defined_and_is_not(tmp_path: Path) -> None:
    text = (
        "# Devices\n\nStaff may use an Approved Device, as defined below. Every Approved Device is encrypted, and each "
        "Insecure Device stays here. An Insecure Device is old. Ask the Controller, as defined in the GDPR.\n"
    )
    found = policy(tmp_path, "a.md", text)
    assert quotes("term-undefined", found) == ["Approved Device"]
    glossary = policy(tmp_path, "b.md", "# Glossary\n\n- **Approved Device**: a laptop that IT has set up.\n")
    assert quotes("term-undefined", found, glossary) == []


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        ("Request for Quotation (RFQ)", "request for quote (RFQ)", False),
        ("Statement of Work (SOW)", "scope of work (SOW)", True),
        ("**Owning it** here means a note", "**Owning it** here means a call", False),
    ],
)
def test_two_spellings_are_one_name_and_here_is_here(tmp_path: Path, one: str, other: str, differs: bool) -> None:
    first = policy(tmp_path, "a.md", f"# Buying\n\nWrite a {one} first.\n")
    second = policy(tmp_path, "b.md", f"# Paying\n\nRead a {other} first.\n")

    def apart(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(len(texts), dtype=np.float32)

    assert bool(list(CHECKS["term-redefined"](Corpus((first, second), (), TODAY, apart)))) == differs


def test_an_acronym_that_nothing_spells_out(tmp_path: Path) -> None:
    text = "# Access\n\nAsk the QCRB for a PDF. THE DOOR STAYS SHUT. ISO 27001 applies, and the TOA too.\n"
    found = policy(tmp_path, "a.md", text)
    assert quotes("acronym-unexpanded", found) == ["QCRB", "TOA"]
    spelled = policy(tmp_path, "b.md", "# Offices\n\nThe Temporary Office Agency (TOA) decides.\n")
    assert quotes("acronym-unexpanded", found, spelled) == ["QCRB"]


# --- references and links ----------------------------------------------------------------------------------------

SECTIONS = "# Leave\n\n## 1. Scope\n\nAll.\n\n## 2. Days\n\nMany.\n\n## 3. Asking\n\n"


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("See HR-019.", ["HR-019"]),
        ("See HR-001 and ISO-9001.", []),
        ("As section 7 says.", ["section 7"]),
        ("As section 2 says, and section 7 of the Data Protection Act 2018.", []),
        ("As section 9 of HR-001 says.", ["section 9"]),
        ("As clause 3 of this policy says.", []),
        ("The form is in Appendix C.", ["Appendix C"]),
        ("Room 9 on page 4.", []),
        ("Please schedule a call, or schedule 60 minutes; schedule 1:1s weekly.", []),
        ("The rates are in schedule 2.", ["schedule 2"]),
        ("Look at [the guide](https://example.com/guide) (Appendix C).", []),
        ("As section 7 of the\n[guide to leave](https://example.com/guide) says.", []),
        ("## Schedule A(r)\n\nHired under Schedule A.", []),
        ("## Rates, Annex B", []),
    ],
)
def test_a_reference_to_what_is_not_there(tmp_path: Path, text: str, dead: list[str]) -> None:
    found = policy(tmp_path, "leave.md", f"{SECTIONS}{text}\n", policy_id="HR-001")
    assert quotes("reference-dead", found) == dead


def test_a_chapter_has_no_other_chapters_sections(tmp_path: Path) -> None:
    """Its headings are all of one number, whatever its lists are."""
    chapter = policy(tmp_path, "a.md", "# Buying\n\n## 5.1 Who\n\n1. One\n2. Two\n3. Three\n\nSee section 12.6.\n")
    assert quotes("reference-dead", chapter) == []


def test_a_reference_is_certain_where_others_of_its_kind_are_there(tmp_path: Path) -> None:
    text = f"{SECTIONS}See section 9, section 2.4 and Appendix C.\n"
    alone = policy(tmp_path, "a.md", text)
    found = faults("reference-dead", alone)
    assert [fault.certain for fault in found] == [True, False, False]
    rule = next(rule for rule in RULES if rule.code == "reference-dead")
    assert [rule.severity_of(fault) for fault in found] == ["error", "note", "note"]
    beside = policy(tmp_path, "b.md", f"{text}\n## 2.1 Halves\n\nMore.\n\n## Appendix A\n\nForm.\n")
    assert [fault.certain for fault in faults("reference-dead", beside)] == [True, True, True]


@pytest.mark.parametrize(
    ("link", "dead"),
    [
        ("keys.md", False),
        ("keys", False),
        ("keys.md#the-porters-keys", False),
        ("keys.md#lockers", True),
        ("#asking", False),
        ("#begging", True),
        ("../policies/lost.md", True),
        ("https://example.com/lost.md", False),
        ("mailto:porter@example.com", False),
        ("/lost.md", False),
        ("../../outside.md", False),
        ("lo%00st.md", False),
        ("keys.html", False),
        ("keys.md#the-porter-s-keys", False),
        ("keys.md#fobs-and-cards", False),
        ("keys.md#fobs--cards-1", False),
        ("keys.md#spares", False),
        ("keys.md#spare-keys", False),
        ("forms/", False),
        ("../keys", False),
        ("{% page '/keys/' %}#lost", False),
        ("outside/keys.md", False),
        ("outside/lost.md", False),
    ],
)
def test_a_link_that_leads_nowhere(tmp_path: Path, link: str, dead: bool) -> None:
    text = "# Keys\n\n## The porter's keys\n\nTwo.\n\n## Fobs & cards\n\n## 3. Spare keys {#spares}\n\nNone.\n"
    keys = policy(tmp_path / "root", "policies/keys.md", text)
    policy(tmp_path / "root", "policies/a/forms.md", "# Forms\n")  # a site shows it as policies/a/forms/
    (tmp_path / "root" / "policies" / "outside").symlink_to(tmp_path)
    found = policy(tmp_path / "root", "policies/a.md", f"# Asking\n\nRead [this]({link}) first.\n\nThen go.\n")
    assert quotes("link-dead", found, keys) == (["Read this first."] if dead else [])


# --- standing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "successor", "found"),
    [
        ({"policy_id": "HR-001", "expires": "2025-12-31"}, {}, True),
        ({"policy_id": "HR-001", "expires": "2026-12-31"}, {}, False),
        ({"policy_id": "HR-001", "expires": "2025-12-31"}, {"policy_id": "HR-001", "effective": "2026-01-01"}, False),
        ({"policy_id": "HR-001", "expires": "2025-12-31"}, {"supersedes": "HR-001 v1"}, False),
        ({"policy_id": "HR-001", "expires": "2025-12-31"}, {"policy_id": "HR-001", "effective": "2027-01-01"}, True),
    ],
)
def test_a_document_that_has_expired(
    tmp_path: Path, meta: Mapping[str, str], successor: Mapping[str, str], found: bool
) -> None:
    old = policy(tmp_path, "old.md", "# Leave\n\nOld.\n", **meta)
    new = policy(tmp_path, "new.md", "# Holidays\n\nNew.\n", **successor)
    assert bool(faults("document-expired", old, new)) == found


@pytest.mark.parametrize(
    ("old", "found"),
    [
        ({}, True),
        ({"expires": "2025-12-31"}, False),
        ({"expires": "2026-01-01"}, True),
        ({"version": "2.0"}, False),
    ],
)
def test_a_superseded_document_that_is_in_force(tmp_path: Path, old: Mapping[str, str], found: bool) -> None:
    before = policy(tmp_path, "old.md", "# Leave\n\nOld.\n", **{"policy_id": "HR-001", "version": "1.0", **old})
    new = policy(tmp_path, "new.md", "# Leave\n\nNew.\n", supersedes="HR-001 v1.0", effective="2026-01-01")
    assert bool(faults("supersedes-in-force", before, new)) == found


def test_metadata_that_the_neighbours_have(tmp_path: Path) -> None:
    owned = [policy(tmp_path, f"hr/{n}.md", f"# Rule {n}\n\nText.\n", owner="People") for n in range(4)]
    lacking = policy(tmp_path, "hr/x.md", "# Rule X\n\nText.\n")
    alone = policy(tmp_path, "it/x.md", "# Rule Y\n\nText.\n")
    (fault,) = faults("meta-missing", *owned, lacking, alone)
    assert fault.policy is lacking and "owner" in fault.message and "version" not in fault.message
