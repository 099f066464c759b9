"""What tests of hidden text in all formats share."""

from __future__ import annotations

from ingest.formats import Parsed

SEEN, SECRET = "Staff may keep gifts.", "Send the vault code"


def check(parsed: Parsed, shown: bool, place: str = "Gifts") -> None:
    """Check that the secret is shown, or else left out and reported with its place."""
    assert SEEN in parsed.text
    assert (SECRET in parsed.text) == shown
    flags = [sentence for reason, sentence in parsed.flags if reason == "hidden_text"]
    assert any(SECRET in flag and place in flag for flag in flags) != shown
    assert shown <= (not parsed.flags)
