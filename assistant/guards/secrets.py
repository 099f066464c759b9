"""Keys and tokens, as detect-secrets names them; strings that are merely random are not taken for secrets."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from assistant.core.types import Stage
from assistant.guards import Context, Finding, Span

DETECTORS = {
    "artifactory": "ArtifactoryDetector", "aws": "AWSKeyDetector", "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector", "cloudant": "CloudantDetector", "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector", "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector", "ibm_cos_hmac": "IbmCosHmacDetector", "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector", "npm": "NpmDetector", "openai": "OpenAIDetector",
    "pypi_token": "PypiTokenDetector", "sendgrid": "SendGridDetector", "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector", "square_oauth": "SquareOAuthDetector", "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector", "twilio": "TwilioKeyDetector",
}  # fmt: skip
# What every one of them needs: a long run of characters, or a password in an address.
_WORTH = re.compile(r"[A-Za-z0-9_+/=.:-]{18,}|://[^\s/]+:[^\s/]+@")
_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.{0,10000}?"
    r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)


def secret_spans(text: str) -> tuple[Span, ...]:
    """Return the secrets of a text, left to right, none inside another."""
    found = [Span(*match.span(), "private key") for match in _KEY.finditer(text)]
    if _WORTH.search(text):
        found += _named(text)
    kept: list[Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return tuple(kept)


def _named(text: str) -> Iterator[Span]:
    for module, name in DETECTORS.items():
        detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)()
        at = 0
        for line in text.splitlines(keepends=True):
            for secret in detector.analyze_string(line):
                kind = detector.secret_type.lower().replace("aws", "AWS").replace("github", "GitHub")
                yield from (Span(at + start, at + end, kind) for start, end in _whole(line, secret))
            at += len(line)


def _whole(line: str, secret: str) -> Iterator[tuple[int, int]]:
    """Yield the runs of characters that a secret stands in: some detectors name only what it begins with."""
    for match in re.finditer(rf"[\w-]*{re.escape(secret)}[\w+/=.~-]*", line):
        yield match.start(), match.start() + len(match.group().rstrip("."))


class Secrets:
    """Finds keys, tokens and passwords in addresses."""

    name = "secrets"
    stages: frozenset[Stage] = frozenset({"input", "document", "output"})
    refusal = "This holds a key or a password. Please ask again without it, and have it changed if others saw it."

    def check(self, context: Context) -> Finding | None:
        """Return the secrets of the text."""
        spans = secret_spans(context.text)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Finding(f"It holds a secret: {kinds}.", 1.0, spans)
