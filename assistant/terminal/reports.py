"""The reports of checks and measurements, as rich objects: eval, test, lint, impact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from assistant.terminal.views import MANY, Indented, one_line, safe
from assistant.text.canonical import heading_path, printable
from assistant.text.prompts import counted

if TYPE_CHECKING:
    from assistant.evaluate.golden import GoldenOutcome
    from ingest.impact.records import AnswerChange, DocumentChange, Impact, Reply, TextChange
    from ingest.lint.run import FindingPlace, LintReport

SEVERITY_STYLES = {"major": "bold", "moderate": "", "minor": "dim"}


def evaluation_report(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the metrics of an evaluation, with their 95% intervals."""
    from assistant.evaluate.metrics import METRICS, label
    from assistant.evaluate.report import between, decimals

    counts = ", ".join(f"{n:,} {group}" for group, n in report["questions"].items() if n)
    table = numbers_table("metric", "value", "95%", "n", "what")
    group = ""
    for name, metric in METRICS.items():
        if metric.group != group:
            group = metric.group
            table.add_row(Text(group, style="bold"))
        m = report["metrics"][name]
        table.add_row(label(name), decimals(m["value"]), between(m), str(m["n"]), metric.title)
    yield table
    times = ", ".join(f"{stage} {t['p50']:.0f}/{t['p95']:.0f}" for stage, t in report["timings"].items())
    yield f"{counts} questions; threshold {report['stamp']['threshold']:g}; p50/p95 ms: {times}"


def comparison_report(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield two evaluations side by side, and the questions that changed."""
    from assistant.evaluate.metrics import label
    from assistant.evaluate.report import between, decimals

    table = numbers_table("metric", "before", "after", "difference", "95%", "win/loss/tie")
    for name, m in found["metrics"].items():
        counts = "/".join(str(m[key]) for key in ("better", "worse", "equal") if key in m)
        sure = "bold" if m["low"] is not None and m["low"] * m["high"] > 0 else ""
        difference = f"{m['difference']:+.3f}"
        table.add_row(
            label(name), decimals(m["before"]), decimals(m["after"]), difference, between(m), counts, style=sure
        )
    yield table
    both = f"{counted(found['questions'], 'question')} in both runs; bold where the interval leaves out 0."
    differs = f"The runs differ in: {', '.join(found['differs']) or 'nothing'}."
    yield safe(f"{both} {differs} Changed answers: {len(found['changed']):,}.")
    for change in found["changed"][:MANY]:
        line = f"{change['id']}: {change['before']} -> {change['after']}: {change['question']}"
        yield safe(line)
    if len(found["changed"]) > MANY:
        yield Text(f"... and {len(found['changed']) - MANY:,} more; see compare.md.", style="dim")


def outcomes_report(outcomes: Sequence[GoldenOutcome]) -> Iterator[RenderableType]:
    """Yield what `test` found: every line that failed with what changed, then a table."""
    failed = [outcome for outcome in outcomes if outcome.failures]
    for outcome in failed:
        asked = outcome.golden.asked
        yield Text.assemble(("✗ ", "red"), (printable(asked.id), "bold"), ": ", one_line(asked.text))
        for part in outcome_lines(outcome):
            yield Indented(part)
    table = numbers_table("check", "lines", "passed", "failed")
    checks = [name for outcome in outcomes for name in outcome.checked]
    wrong = [failure.check for outcome in failed for failure in outcome.failures]
    for name in dict.fromkeys(checks):
        n, bad = checks.count(name), wrong.count(name)
        table.add_row(name, f"{n:,}", f"{n - bad:,}", f"{bad:,}", style="bold red" if bad else "")
    yield table
    yield f"{len(outcomes) - len(failed):,} of {len(outcomes):,} golden answers hold."


def findings_report(report: LintReport) -> Iterator[RenderableType]:
    """Yield what `lint` found, by document, and how much of it."""
    styles: Mapping[str, str] = {"error": "red", "warning": "yellow", "note": "cyan"}
    for source, findings in groupby(report.findings, key=lambda finding: finding.place.source):
        yield Text(printable(source), style="bold")
        for found in findings:
            mark = f"{found.severity} ", styles[found.severity]
            yield Indented(Text.assemble(mark, printable(found.message), (f" [{found.code}]", "dim")), 2)
            for place in filter(None, (found.place, found.other)):
                if place.quote:
                    yield Indented(finding_place(place, source), 6)
    counts = Counter[str](finding.severity for finding in report.findings)
    by_severity = ", ".join(counted(counts[severity], severity) for severity in styles if counts[severity])
    yield f"{by_severity or 'Nothing found'} in {counted(report.documents, 'document')}."


def impact_report(impact: Impact) -> Iterator[RenderableType]:
    """Yield what would change: counts, what changed in each document, the gravest first, and answers."""
    documents = impact.documents
    yield impact.headline()
    for item in impact.rejected:
        source = printable(item.source), "bold"
        yield Text.assemble(("rejected ", "red"), source, f": {printable(item.detail)}")
    for name in ("added", "removed", "hidden"):
        for source in getattr(documents, name)[:MANY]:
            yield Text.assemble((f"{name} ", "yellow"), (printable(source), "bold"))
    for change in documents.changed[:MANY]:
        was = f" (was {change.was})" if change.was else ""
        yield Text(printable(f"{change.source}{was}"), style="bold")
        for part in islice(change_lines(change), MANY):
            yield Indented(part)
    for answer in impact.answers.changed[:MANY]:
        mark = ("✗ ", "red") if answer.broke else ("~ ", "yellow")
        yield Text.assemble(mark, (printable(answer.id), "bold"), ": ", one_line(answer.question))
        for part in answer_lines(answer):
            yield Indented(part)
    if _has_more(impact):
        yield Text(f"Of each kind the first {MANY} are shown; see --json.", style="dim")


def _has_more(impact: Impact) -> bool:
    """Tell whether an impact has more of anything than is printed."""
    documents = impact.documents
    lists = (documents.added, documents.removed, documents.hidden, documents.changed)
    shown = (*lists, impact.answers.changed, *((*c.meta, *c.terms, *c.texts) for c in documents.changed))
    return any(len(items) > MANY for items in shown)


def calibration_line(found: Mapping[str, Any]) -> str:
    made = found["made"]
    return (
        f"answers from a probability of {found['threshold']:g}: of {found['questions']:,} questions "
        f"{found['answered']:,} were answered, {found['wrong']:,} of which the documents do not answer "
        f"(at most {found['bound']:.1%} with 95% confidence; max_risk {found['max_risk']:g}); by {made['by']}, "
        f"from {', '.join(made['from'])}"
    )


def numbers_table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        text = name == "what"
        table.add_column(name, justify="left" if text else "right", no_wrap=not text)
    return table


def finding_place(place: FindingPlace, source: str) -> Text:
    """Return a finding's quote with where it is, the document too where it is another than `source`."""
    where = [place.source] if place.source != source else []
    where += [f"line {place.line}"] if place.line else []
    where += [f"page {place.page}"] if place.page else []
    where += place.headings[-1:]
    return Text.assemble((f"{printable(' · '.join(where))}: ", "dim"), one_line(place.quote))


def outcome_lines(outcome: GoldenOutcome) -> Iterator[Text]:
    """Yield what was expected and came, and the answer before and now with the words that differ set off."""
    for failure in outcome.failures:
        yield Text.assemble(
            (f"{failure.check}: ", "bold"),
            "expected ",
            (one_line(failure.expected), "green"),
            ", got ",
            (one_line(failure.got), "red"),
        )
    recorded, now = outcome.golden.recorded.split(), outcome.answer.split()
    if recorded:
        yield Text.assemble(("was:   ", "dim"), _differing(recorded, now, "green"))
    yield Text.assemble(("now:   ", "dim"), _differing(now, recorded, "red") if recorded else one_line(outcome.answer))
    yield Text.assemble(("cites: ", "dim"), one_line(", ".join(outcome.sources) or "nothing"))


def _differing(words: Sequence[str], others: Sequence[str], style: str) -> Text:
    """Return words with those set off that the others do not have at that place."""
    compared = words[:500], others[:500]  # comparing takes a square of the time
    same = SequenceMatcher(None, *compared, autojunk=False).get_matching_blocks()
    kept = {at for block in same for at in range(block.a, block.a + block.size)}
    return Text(" ").join(Text(printable(word), "" if at in kept else style) for at, word in enumerate(words))


def change_lines(change: DocumentChange) -> Iterator[Text]:
    """Yield what changed in a document: its data, its terms, and its texts with the words that differ set off."""
    for meta in change.meta:
        yield Text.assemble((f"{meta.key}: ", "bold"), _replaced(meta.old, meta.new))
    for term in change.terms:
        yield Text.assemble(("term ", "dim"), (f"{printable(term.name)}: ", "bold"), _replaced(term.old, term.new))
    yield from map(_text_line, sorted(change.texts, key=lambda text: list(SEVERITY_STYLES).index(text.severity)))


def _text_line(change: TextChange) -> Text:
    """Return a text with its edits marked: [-old-] {+new+}, in bold where it is a figure or a duty."""
    where = heading_path("", change.headings)
    parts = [Text(f"{change.kind} ({printable(where)}):" if where else f"{change.kind}:", "dim")]
    for edit in change.edits:
        if edit.op == "equal":
            parts.append(Text(printable(edit.new)))
            continue
        bold = "" if edit.type == "text" else "bold "
        sides = (("[-{}-]", edit.old, "green"), ("{{+{}+}}", edit.new, "red"))
        parts += [Text(mark.format(printable(text)), bold + style) for mark, text, style in sides if text]
    return Text(" ").join([Text(change.severity, SEVERITY_STYLES[change.severity]), *parts])


def _replaced(old: str, new: str) -> Text:
    return Text.assemble((one_line(old) or "none", "green"), " -> ", (one_line(new) or "none", "red"))


def answer_lines(change: AnswerChange) -> Iterator[Text]:
    """Yield what failed of a golden answer that held, and an answer before and after with their quotes."""
    for failure in change.failures if change.broke else ():
        yield Text.assemble(("fails: ", "bold"), (one_line(failure), "red"))
    yield from _reply_lines("now:   ", change.old, "green")
    yield from _reply_lines("then:  ", change.new, "red")


def _reply_lines(name: str, reply: Reply, style: str) -> Iterator[Text]:
    yield Text.assemble((name, "dim"), (one_line(reply.answer) or reply.status, style))
    for quote in reply.quotes:
        yield Text.assemble(("cites: ", "dim"), f"“{one_line(quote.quote)}” ", (f"({printable(quote.source)})", "dim"))
