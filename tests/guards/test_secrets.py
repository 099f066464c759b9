"""Keys, tokens and passwords are masked whole; long words, links, hashes and talk of passwords are not."""

from __future__ import annotations

import random
import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guards.run import MASKED, mask
from assistant.guards.secrets import is_random, secret_spans

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
BASE62 = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def made(size: int, signs: str = BASE62, seed: int = 3) -> str:
    return "".join(random.Random(seed).choices(signs, k=size))


def masked(text: str) -> str:
    return mask(text, secret_spans(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key AKIA" + "QWERTYUIOPASDFGH end", "key [AWS access key removed] end"),
        ("ghp_" + LETTERS + " end", "[GitHub token removed] end"),
        ("xoxb-" + "123456789012-abcdefABCDEF1234", "[Slack token removed]"),
        ("sk_live_" + "abcdefghijklmnopqrstuvwx", "[Stripe key removed]"),
        (
            "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nrest",
            "[private key removed]\nrest",
        ),
        ("-----BEGIN " + "PRIVATE KEY-----\n" + "MIIabc " * 2000, "[private key removed]"),
    ],
)
def test_a_secret_is_masked_whole(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-" + made(20) + "-" + made(30) + "_" + made(60), "sk-ant-" + "api03-" + made(93) + "AA",
        "sk-or-v1-" + made(64, HEX), "gsk_" + made(52), "hf_" + made(34, string.ascii_letters), "AIza" + made(35),
        "ya29." + made(60), "github_pat_" + made(22) + "_" + made(59),
        "glpat-" + made(20), "xapp-1-A01-12-" + made(64, HEX),
        "npm_" + made(36),
        "pypi-AgEIcHlwaS5vcmc" + made(60), "dckr_pat_" + made(27), "hvs." + made(90),
        "dapi" + made(32, HEX), "dop_v1_" + made(64, HEX), "shpat_" + made(32, HEX), "whsec_" + made(32),
        "ATATT3x" + made(180), "SG." + made(22) + "." + made(43), "rk_live_" + made(24), "SK" + made(32, HEX),
        "AGE-SECRET-KEY-1" + made(58, string.ascii_uppercase + string.digits), "abc8Q~" + made(34),
        "a" + made(13) + ".atlasv1." + made(60), "123456789:AA" + made(33), "newvendor_" + made(40), made(40),
        "newvendor-" + made(40, HEX), "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + made(43),
        "https://hooks.example.com/services/T01234567/" + made(24),
        "https://chat.example/api/webhooks/1234/" + made(60),
    ],
)  # fmt: skip
def test_a_key_is_masked_whoever_made_it(key: str) -> None:
    said = masked(f"It is {key}, as of today.")
    assert said.startswith("It is [") and said.endswith(" removed], as of today.")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("my password is hunter2", "hunter2"),
        ("Password: Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("password=hunter;", "hunter"),
        ('{"password": "correct horse"}', "correct horse"),
        ("<password>hunter</password>", "hunter"),
        ("my password for the VPN is Blue42Sky, thanks", "Blue42Sky"),
        ("I changed my password to Blue42Sky.", "Blue42Sky"),
        ("Hunter2 is my password", "Hunter2"),
        ("Tr0ub4dor&3 is my password but it does not work", "Tr0ub4dor&3"),
        ("Kx9-vQ77 is the password we use", "Kx9-vQ77"),
        ("Mein Passwort lautet Sommer2026!", "Sommer2026!"),
        ("mon mot de passe est Ete2026!", "Ete2026!"),
        ("La contraseña es Verano2026", "Verano2026"),
        ("Mijn wachtwoord is Zomer!2026", "Zomer!2026"),
        ("Moje hasło to Lato2026!", "Lato2026!"),
        ("пароль: Лето2026", "Лето2026"),
        ("密码是abc12345", "abc12345"),
        ("パスワードはabc12345です", "abc12345"),
        ("my password is 'swordfish'", "swordfish"),
        ("login: bob / hunter22", "hunter22"),
        ("pw ist Geheim#1", "Geheim#1"),
        ("The root password is now set to Xy7!kk", "Xy7!kk"),
        ("My PIN's 1234", "1234"),
        ("123 456 is your code", "123 456"),
        ("парола 123456", "123456"),
        ("sshpass -p hunter2 ssh host", "hunter2"),
        ("curl -u bob:secret1 http://x", "secret1"),
        ("mysql --password=hunter", "hunter"),
        ("export DB_PASSWORD=hunter", "hunter"),
        ("Server=db;User Id=sa;Password=S3cr3t!;", "S3cr3t!"),
        ("AccountName=a;AccountKey=" + made(86) + "==;", made(86)),
        ("https://a.example/?sv=2022-11-02&sig=" + made(40) + "%3D", made(40)),
        ("aws_secret_access_key = " + made(40, HEX), made(40, HEX)),
        ("X-Api-Key: " + made(32, HEX), made(32, HEX)),
        ("Authorization: Bearer " + made(40, HEX), made(40, HEX)),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("My PIN is 4821", "4821"),
        ("my card's PIN is 0000", "0000"),
        ("Your verification code is 482 910", "482 910"),
        ("482910 is your one-time code", "482910"),
        ("CVV 123", "123"),
        ("door code: 4821#", "4821#"),
        ("postgres://admin:p@ss/word@db.example:5432/x", "p@ss/word"),
        ("redis://:hunter2@cache:6379", "hunter2"),
        (" ".join(f"{n}. {word}" for n, word in enumerate(PHRASE.split(), 1)), "sausage"),
        (f"seed: {PHRASE}", "sausage"),
    ],
)  # fmt: skip
def test_what_a_text_calls_secret_is_masked(text: str, secret: str) -> None:
    assert secret not in masked(text) and " removed]" in masked(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The PINs are 4821, 9932 and 1187.", "The PINs are #, # and #."),
        ("PINs: 4821/9932, 1187", "PINs: #/#, #"),
        ("PINs:\r\n- 4821\r\n- 9932\r\n", "PINs:\r\n- #\r\n- #\r\n"),
        ("PINs:\n1. 4821\n2. 9932", "PINs:\n1. #\n2. #"),
        ("| PIN | 4821 | 9932 |", "| PIN | # | # |"),
        ("backup codes: 1a2b-3c4d and 5e6f-7g8h", "backup codes: # and #"),
        ("codes: your code is 482 910, 483 911", "codes: your code is #, #"),
        ("My passwords are hunter22 and winter24", "My passwords are # and #"),
        ("passwords: 'hunter22', 'winter24'", "passwords: '#', '#'"),
        ("The **PINs**: **4821**, `9932`", "The **PINs**: **#**, `#`"),
        ("My passwords are **hunter22** and _winter24_", "My passwords are **#** and _#_"),
        ("PINs\t4821\t9932", "PINs\t#\t#"),
        ("PINs:\n4821\n9932", "PINs:\n#\n#"),
        ("passwords:\n\n- hunter22\n\n- winter24", "passwords:\n\n- #\n\n- #"),
        ("passwords:\n- hunter22\n- winter24", "passwords:\n- #\n- #"),
        ("My password is hunter22 and winter comes", "My password is # and winter comes"),
        ("My password is hunter22, 12-character ones are better", "My password is #, 12-character ones are better"),
        ("password: hunter22\nRoom4B-12", "password: #\nRoom4B-12"),
        ("The PIN is 4821 and 500 euros are the limit", "The PIN is # and 500 euros are the limit"),
    ],
)
def test_all_of_a_list_is_masked_and_no_word_after_it(text: str, left: str) -> None:
    assert MASKED.sub("#", masked(text)) == left


def test_a_password_in_an_address_is_masked() -> None:
    text = "see https://bob:" + "hunter2@intra.example/x now"
    assert masked(text) == "see https://[login removed]@intra.example/x now"


@pytest.mark.parametrize(
    "text",
    [
        "Donaudampfschifffahrtsgesellschaft and https://example.org/a-very-long-address/that-goes-on",
        "sha256 " + "0123456789abcdef" * 4,
        "commit " + made(40, HEX) + " and md5-" + made(32, HEX),
        "https://docs.example/document/d/" + made(44) + "/edit",
        "global-data-protection-policy-for-contractors.md and [terms](glossary-of-terms-and-abbreviations)",
        "EmployeeOnboardingChecklistTemplate2024Final and Annual-Leave-Policy-2024-V2-EN-US-FINAL",
        "550e8400-e29b-41d4-a716-446655440000",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + made(60) + "\n" + made(60) + "\n-----END PGP PUBLIC KEY BLOCK-----",
        "https://host.example:8080/path?mail=jo@example.org",
        "The key is under the mat. The password is changed every 90 days.",
        "Your password is never shared. Passwords must be 12 characters long.",
        "The password is 12 characters long; password: minimum 8-16 characters; password: required",
        "My password is expired. What if my password is stolen? Change your password to something strong.",
        "My password is expired. My password is too long. My password is compromised! Mein Passwort ist abgelaufen.",
        "Password: required\nPIN: optional\nPassword: weak\nPassword: see below",
        "Password length is 14. Passwords are SHA-256 hashed, the password is AES-256 encrypted.",
        "Passwort: mindestens 12 Zeichen. Das Passwort ist geheim. La contraseña es obligatoria.",
        "Your PIN is 4 digits and never stored. PIN: 4-6 digits.",
        "| Password | `required` |\n| PIN | 4 digits |\n| PIN resets | 1250 | 1300 |",
        "PIN pads are 4 and 5 years old. PINs are 4, 6 and 12 digits long.",
        "API keys are rotated every 90 days. The token is valid for 3600 seconds. Secret: class 2 documents.",
        "Bearer of this letter; basic understanding of internationalisation; Basic training2024",
        "credentials: ask HR; login: your employee number; username: your e-mail",
        "legal winner thank year wave sausage worth useful legal winner and the rest",
        'The security code "    " is blank; the code `   ` too.',
        "It has to pass a 'second review'; see /article?id=zm_kb&sysparm_article=KB0066300",
        "",
    ],
)  # fmt: skip
def test_what_a_policy_says_is_no_secret(text: str) -> None:
    assert masked(text) == text


@given(st.text(BASE62, min_size=40, max_size=80))
def test_chance_is_told_from_words(text: str) -> None:
    kinds = [0 if char.isdigit() else 1 if char.islower() else 2 for char in text]
    changes = sum(a != b for a, b in pairwise(kinds))
    assert is_random(text) or changes < 0.38 * len(text) or set(kinds) != {0, 1, 2}


@given(st.text(max_size=120))
def test_spans_lie_in_order_inside_the_text(text: str) -> None:
    spans = secret_spans(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
