"""Named keys and tokens are masked whole; long words, links and hashes are not."""

from __future__ import annotations

import pytest

from assistant.guards.run import mask
from assistant.guards.secrets import DETECTORS, secret_spans

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key AKIA" + "QWERTYUIOPASDFGH end", "key [AWS access key removed] end"),
        ("ghp_" + LETTERS + " end", "[GitHub token removed] end"),
        ("xoxb-" + "123456789012-abcdefABCDEF1234", "[slack token removed]"),
        ("sk_live_" + "abcdefghijklmnopqrstuvwx", "[stripe access key removed]"),
        (
            "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nrest",
            "[private key removed]\nrest",
        ),
        ("-----BEGIN " + "PRIVATE KEY-----\nMIIabc", "[private key removed]"),
    ],
)
def test_a_secret_is_masked_whole(text: str, left: str) -> None:
    assert mask(text, secret_spans(text)) == left


def test_a_password_in_an_address_is_masked() -> None:
    text = "see https://bob:" + "hunter2@intra.example/x now"
    assert "hunter2" not in mask(text, secret_spans(text))


@pytest.mark.parametrize(
    "text",
    [
        "Donaudampfschifffahrtsgesellschaft and https://example.org/a-very-long-address/that-goes-on",
        "sha256 " + "0123456789abcdef" * 4,
        "The key is under the mat. The password is changed every 90 days.",
        "",
    ],
)
def test_what_is_only_long_is_no_secret(text: str) -> None:
    assert secret_spans(text) == ()


def test_every_named_detector_is_there() -> None:
    import importlib

    for module, name in DETECTORS.items():
        assert getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)().secret_type
