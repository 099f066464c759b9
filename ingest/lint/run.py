"""The lint recipe: the documents of an index, each rule over all of them, and what may be shown of what it found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.answer.disclosure import masked_text
from assistant.core.config import Config, GuardsSection
from assistant.core.errors import DocumentRejected, GateFailed, UsageError, did_you_mean
from assistant.core.records import Access, IngestReport, Progress, no_progress
from assistant.guards.run import Guards, mask_part, mask_values, masks_id, signs_of
from assistant.index.catalog import MASKS, Catalog
from assistant.index.schema import SourceRow
from assistant.models.encoder import Encode, guard_encode, open_encoder, remember
from assistant.models.registry import Registry
from ingest.formats import Parsed
from ingest.lint import documents, links, references, terms
from ingest.lint.corpus import SEVERITIES, Corpus, Fault, LintRule, Policy
from ingest.lint.findings import FindingPlace, LintFinding, LintReport
from ingest.mask import Places, withheld
from ingest.sandbox import ParserProcess
from ingest.scratch import scratch_index
from ingest.sources import read_regular

RULES = (
    LintRule("supersedes-in-force", "error", "a superseded document is still in force", documents.superseded),
    LintRule("reference-dead", "error", "a reference leads nowhere", references.dead_references),
    LintRule("link-dead", "error", "a link leads nowhere", links.dead_links),
    LintRule("term-redefined", "warning", "a term is defined twice, differently", terms.redefined, True),
    LintRule("term-undefined", "warning", "a term is said to be defined and is not", terms.undefined),
    LintRule("document-expired", "warning", "a document has expired, and nothing replaces it", documents.expired),
    LintRule("meta-missing", "warning", "a document lacks what its neighbours say of themselves", documents.incomplete),
    LintRule("acronym-unexpanded", "note", "an acronym is spelled out nowhere", terms.unexpanded),
    LintRule("term-unused", "note", "a term is defined and used nowhere", terms.unused),
)
TEXTS = (".md", ".markdown", ".html", ".htm", ".txt", ".csv")  # formats with lines
LINKED = (".md", ".markdown", ".html", ".htm")  # formats in which links are looked at
LINKING = (b"](", b"]:", b"<", b"{#")  # a file without these has neither links nor anchors, and is not parsed again
QUOTE_CHARACTERS = 300  # that are shown
WITHHELD = "[withheld]"
SIGNS = str.maketrans("-_/.#?=&%", " " * 9)  # between the words of an address


@dataclass(frozen=True, slots=True)
class LintModels:
    """What a run looks with: sentence vectors, and the guards that mask what is shown."""

    encode: Encode
    guards: Guards


def open_models(config: Config, *, fast: bool = False) -> LintModels:
    """Open the encoder and the guards of an index, each when it is first needed.

    Where it is to be fast the guards find orders by their rules alone: their model reads vectors.
    """
    encoder = cache(lambda: open_encoder(Registry(config.models_dir), config.encoder))
    # The same headings stand above many findings.
    guards = Guards(config.guards, None if fast else remember(guard_encode(config)))
    return LintModels(lambda texts: encoder().encode(texts), guards)


class UnsearchedVectors:
    """Stands in for an encoder where nobody searches: what is compared is encoded when it is, and is far less."""

    sha = "none"

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Give each text a vector of its own."""
        vectors = np.random.default_rng(0).standard_normal((len(texts), 8), np.float32)
        yield list(range(len(texts))), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@contextmanager
def linter_index(paths: Sequence[Path], config: Config, progress: Progress) -> Iterator[tuple[Config, IngestReport]]:
    """Read files into an index for the linter alone, which is gone afterwards.

    Its passages are neither embedded, masked nor screened: the linter looks at those that its findings are of.
    """
    unscreened = replace(config, guards=GuardsSection("off", "off", "off", "off"))
    with scratch_index(paths, unscreened, UnsearchedVectors(), empty=True, progress=progress) as (index, report):
        yield replace(index, guards=config.guards), report


def rules_but(off: Collection[str]) -> tuple[LintRule, ...]:
    """Return the rules without those that are switched off; raises UsageError for a code that there is not."""
    off = [code.strip() for code in off if code.strip()]
    codes = [rule.code for rule in RULES]
    for code in off:
        if code not in codes:
            raise UsageError(f"there is no rule {code!r}{did_you_mean(code, codes)}.", "Check --off and lint.off.")
    return tuple(rule for rule in RULES if rule.code not in off)


def lint(
    config: Config,
    access: Access,
    rules: Sequence[LintRule],
    models: LintModels,
    progress: Progress = no_progress,
    *,
    fast: bool = False,
) -> LintReport:
    """Check what `access` may see of an index, documents that are not in force today included.

    Where it is to be fast the rules that compare meanings are left out, and no model is opened for the others.
    """
    skipped = tuple(rule.code for rule in rules if fast and rule.compares_meanings)
    rules = [rule for rule in rules if rule.code not in skipped]
    with closing(Catalog.open(config.data)) as catalog, catalog.snapshot():
        policies = list(_policies(catalog, access, config, models.guards, progress))
        hidden = {Path(path) for path in catalog.sources()} - {policy.path for policy in policies}
        is_masked = catalog.meta(MASKS) == masks_id(config.guards)
    corpus = Corpus(policies, hidden, access.as_of, models.encode)
    findings, shown = list[LintFinding](), _Shown(models.guards, is_masked)
    for done, rule in enumerate(rules):
        progress(rule.code, done, len(rules))
        findings += [shown.finding(rule, fault) for fault in rule.check(corpus)]
    findings.sort(key=lambda f: (f.place.source, f.place.start, f.code))
    return LintReport(tuple(findings), len(policies), skipped)


def fail(report: LintReport, severity: str) -> None:
    """Raise GateFailed if a finding is of that severity or a worse one."""
    grave = SEVERITIES[: SEVERITIES.index(severity) + 1] if severity != "never" else ()
    if count := sum(finding.severity in grave for finding in report.findings):
        hint = "Mend the documents, or switch a rule off: --off CODE."
        raise GateFailed(f"{count} findings are of severity {' or '.join(grave)}.", hint)


def spans(report: LintReport) -> list[tuple[str, str, int, int]]:
    """Return (source, SHA-256, start, end) of what the findings quote."""
    places = [place for f in report.findings for place in (f.place, f.other) if place and place.quote]
    return [(place.source, place.document_sha256, place.start, place.end) for place in places]


def _policies(catalog: Catalog, access: Access, config: Config, guards: Guards, progress: Progress) -> Iterator[Policy]:
    rows = sorted(catalog.sources(access, ended=True).values(), key=lambda row: row.source)
    with closing(ParserProcess(config.ingest)) as parser:
        for done, row in enumerate(rows):
            progress("reading", done, len(rows))
            document, defined = catalog.whole(row.document_id)
            data = _as_indexed(row, config) or b""
            links = Path(row.path).suffix.lower() in LINKED and any(mark in data for mark in LINKING)
            parsed = _parsed(data, row, parser) if links else None
            unmasked = parsed.text if parsed and parsed.text != document.text else ""
            places = Places(withheld(unmasked, guards))
            yield Policy(
                document=replace(document, source=row.source, meta=row.meta),
                terms=defined,
                indexed=[(p.start, p.end) for p in catalog.queries.passages_of(row.document_id)],
                row=row,
                links=[(address, places.moved(at)) for address, at in parsed.links] if parsed else (),
                anchors=parsed.anchors if parsed else (),
                lines=data.decode(errors="replace"),
                unmasked=unmasked,
            )


def _as_indexed(row: SourceRow, config: Config) -> bytes | None:
    """Read a text file again, for its lines and links, which are not indexed.

    None if it is not what was indexed any more: who may see what it says now is not known.
    """
    if Path(row.path).suffix.lower() not in TEXTS:
        return None
    try:
        data = read_regular(Path(row.path), int(config.ingest.max_file_mb * 2**20))
    except DocumentRejected:
        return None
    return data if sha256(data).hexdigest() == row.sha256 else None


def _parsed(data: bytes, row: SourceRow, parser: ParserProcess) -> Parsed | None:
    try:
        return parser.read(data, Path(row.path).name)
    except DocumentRejected:
        return None


class _Shown:
    """What may be shown of findings: masked, and without what the guards take for orders to an assistant.

    Of documents that were not masked when they were read those are that are shown.
    """

    def __init__(self, guards: Guards, is_masked: bool) -> None:
        self._guards = guards
        self._is_masked = is_masked
        self._withheld = cache(lambda text: withheld(text, guards))
        self._values = cache(lambda text: {signs_of(text[s.start : s.end]): s.kind for s in self._withheld(text)})
        self._is_order = cache(lambda text: guards.screen(text, "document").action == "block")

    def finding(self, rule: LintRule, fault: Fault) -> LintFinding:
        other = self._place(*fault.other) if fault.other else None
        spans = [(fault.policy, fault.start, fault.end), *([fault.other] if fault.other else [])]
        unquotable = any(end and not self._may_quote(*span) for span in spans if (end := span[2]))
        message = self._text(fault.message, [policy for policy, *_ in spans]) if not unquotable else ""
        place = self._place(fault.policy, fault.start, fault.end)
        message = message or f"{rule.summary}; what it says is withheld."
        return LintFinding(rule.code, rule.severity_of(fault), message, place, other)

    def _text(self, text: str, policies: Iterable[Policy]) -> str:
        """Return a text as it may be shown, empty if it is an order, without what is masked in these documents."""
        texts = {policy.unmasked if self._is_masked else policy.text for policy in policies}
        values = {signs: kind for text in texts for signs, kind in self._values(text).items()}
        return "" if self._is_order(text.translate(SIGNS)) else masked_text(mask_values(text, values), self._guards)

    def _may_quote(self, policy: Policy, start: int, end: int) -> bool:
        """Say whether a span is indexed, and no passage that it is of is an order: not every index was screened."""
        around = (policy.text[first:last] for first, last in policy.indexed if first < end and start < last)
        return policy.is_indexed(start, end) and not any(map(self._is_order, around))

    def _place(self, policy: Policy, start: int, end: int) -> FindingPlace:
        quote = policy.text[start:end] if self._may_quote(policy, start, end) else ""  # what was withheld stays so
        at = policy.lines.find(quote.splitlines()[0][:60]) if quote else -1
        here = policy.path.is_relative_to(Path.cwd())
        cut = (policy.text, start, min(end, start + QUOTE_CHARACTERS))
        shown = mask_part(*cut, () if self._is_masked else self._withheld(policy.text)) if quote else ""
        shown = shown if len(quote) <= QUOTE_CHARACTERS else f"{shown.rstrip()}…"
        return FindingPlace(
            source=policy.source,
            document_sha256=policy.document.sha256,
            title=self._text(policy.document.title, (policy,)) or WITHHELD,
            headings=tuple(self._text(h, (policy,)) or WITHHELD for h in policy.headings_above(start)) if end else (),
            page=policy.page(start) if end else None,
            line=policy.lines.count("\n", 0, at) + 1 if at >= 0 else None,
            start=start,
            end=end,
            quote=masked_text(shown, self._guards),
            file=policy.path.relative_to(Path.cwd()).as_posix() if here else policy.source,
        )
