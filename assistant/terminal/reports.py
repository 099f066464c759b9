"""The reports of checks and measurements, as rich objects: eval, test, lint, impact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from assistant.terminal.views import MANY, Indented, first_of, one_line, rejection_line, safe
from assistant.text.canonical import printable
from assistant.text.prompts import counted

if TYPE_CHECKING:
    from assistant.evaluate.feedback import Pending, QuotedText
    from assistant.evaluate.gaps import Gap
    from assistant.evaluate.golden import GoldenOutcome
    from assistant.evaluate.stale import StaleAnswer
    from ingest.impact.records import Impact, Line
    from ingest.lint.findings import FindingPlace, LintFinding, LintReport

ALIKE = 3  # findings that say the same whose places are shown


def evaluation_report(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the metrics of an evaluation, with their 95% intervals."""
    from assistant.evaluate.report import METRIC_COLUMNS, metric_rows

    counts = ", ".join(f"{n:,} {group}" for group, n in report["questions"].items() if n)
    table = numbers_table(*METRIC_COLUMNS)
    for group, rows in metric_rows(report).items():
        table.add_row(Text(group, style="bold"))
        for row in rows:
            table.add_row(*row)
    yield table
    times = ", ".join(f"{stage} {t['p50']:.0f}/{t['p95']:.0f}" for stage, t in report["timings"].items())
    yield f"{counts} questions; threshold {report['stamp']['threshold']:g}; p50/p95 ms: {times}"


def comparison_report(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield two evaluations side by side, and the questions that changed."""
    from assistant.evaluate.compare import DIFFERENCE_COLUMNS, difference_rows

    table = numbers_table(*DIFFERENCE_COLUMNS)
    for row, m in zip(difference_rows(found), found["metrics"].values(), strict=True):
        table.add_row(*row, style="bold" if m["low"] is not None and m["low"] * m["high"] > 0 else "")
    yield table
    both = f"{counted(found['questions'], 'question')} in both runs; bold where the interval leaves out 0."
    differs = f"The runs differ in: {', '.join(found['differs']) or 'nothing'}."
    yield safe(f"{both} {differs} Changed answers: {len(found['changed']):,}.")
    for change in found["changed"][:MANY]:
        yield safe(f"{change['id']}: {change['before']} -> {change['after']}: {change['question']}")
    if len(found["changed"]) > MANY:
        yield Text(f"... and {len(found['changed']) - MANY:,} more; see compare.md.", style="dim")


def gaps_report(gaps: Sequence[Gap]) -> Iterator[RenderableType]:
    """Yield each gap: the document that came closest, its owner, how many asked, and what."""
    if not gaps:
        yield Text("Nothing was asked in vain by so many.", style="green")
    for gap in gaps:
        owner = f", owned by {gap.owner}" if gap.owner else ""
        counts = f"{counted(gap.askers, 'asker')}, {gap.first[:10]} to {gap.last[:10]}"
        yield Text.assemble((printable(gap.title), "bold"), printable(f"  ({gap.source}){owner}; {counts}"))
        for question in gap.questions:
            yield Indented(Text(f"“{one_line(question)}”", style="italic"), 2)


def stale_report(answers: Sequence[StaleAnswer]) -> Iterator[RenderableType]:
    """Yield each answer that no longer holds, with the quotes that do not."""
    if not answers:
        yield Text("Every answer still holds.", style="green")
    for answer in answers:
        yield Text.assemble(
            (f"{answer.id} ", "bold cyan"), f"{answer.time[:10]}  ", (one_line(answer.question), "bold")
        )
        for lost in answer.lost:
            yield Indented(Text.assemble((f"[{lost.number}] ", "cyan"), f"{printable(lost.source)}: {lost.reason}"))


def feedback_report(pending: Pending, number: int, count: int) -> Iterator[RenderableType]:
    """Yield feedback: what was asked as whom, what was quoted, what its asker says of it and what is right."""
    asked, given = pending.asked.raw, pending.given.raw
    roles = ", ".join(asked["roles"]) or "someone without roles"
    yield Text.assemble((f"\n{number} of {count} ", "bold cyan"), f"{asked['time'][:10]}, by {printable(roles)}")
    for text in asked["history"]:
        yield Indented(Text(one_line(text), style="dim"))
    yield Indented(Text(one_line(asked["question"]), style="bold"))
    for name, said in (("said of themselves", pending.about), ("asked as of", pending.day)):
        if said:
            yield Indented(Text(f"{name}: {one_line(said)}"))
    told = f"{asked['status']}; its asker says {given['status']}"
    yield Indented(Text.assemble(told, (f": {one_line(given['note'])}" if given["note"] else "", "italic")))
    shown = ((f"quoted from {one.source}", one) for one in pending.quoted)
    for told, one in (*shown, *((f"right by the asker, {one.source}", one) for one in pending.place)):
        yield _said(told, one)
    yield Indented(Text(_meaning(pending), style="dim"))


def gold_report(gold: Iterable[QuotedText]) -> Iterator[RenderableType]:
    """Yield what a reviewer's text was found as."""
    yield from (_said(f"found in {one.source}", one) for one in gold)


def _said(told: str, one: QuotedText) -> Indented:
    return Indented(Text.assemble((f"{printable(told)}: ", "cyan"), printable(one.said)))


def _meaning(pending: Pending) -> str:
    if pending.gold is None:
        return "Nobody has said what is right."
    answers = "what is quoted here answers" if pending.gold else "no document answers"
    return f"Accepted, it says that {answers}."


def outcomes_report(outcomes: Sequence[GoldenOutcome]) -> Iterator[RenderableType]:
    """Yield what `test` found: every line that failed with what changed, then a table."""
    failed = [outcome for outcome in outcomes if outcome.failures]
    for outcome in failed:
        golden = outcome.golden
        yield Text.assemble(("✗ ", "red"), (printable(golden.id), "bold"), ": ", one_line(golden.asked))
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
    """Yield what `lint` found, by document, and how much of it; what repeats once, where it is first."""
    styles: Mapping[str, str] = {"error": "red", "warning": "yellow", "note": "cyan"}
    alike: dict[tuple[str, str, str], list[LintFinding]] = {}
    for finding in report.findings:
        alike.setdefault((finding.severity, finding.code, finding.message), []).append(finding)
    for source, groups in groupby(alike.values(), key=lambda group: group[0].place.source):
        yield Text(printable(source), style="bold")
        for group in groups:
            yield from _alike(group, source, styles)
    counts = Counter[str](finding.severity for finding in report.findings)
    by_severity = ", ".join(counted(counts[severity], severity) for severity in styles if counts[severity])
    known = f" {counted(report.known, 'finding')} of the baseline left out." if report.known else ""
    skipped = f" Not looked for without models: {', '.join(report.skipped)}." if report.skipped else ""
    yield f"{by_severity or 'Nothing found'} in {counted(report.documents, 'document')}.{known}{skipped}"


def _alike(group: Sequence[LintFinding], source: str, styles: Mapping[str, str]) -> Iterator[RenderableType]:
    """Yield findings that say the same, the first with their places."""
    first = group[0]
    documents = len({finding.place.source for finding in group})
    times = f" ({len(group)} times, in {counted(documents, 'document')})" if len(group) > 1 else ""
    mark, code = (f"{first.severity} ", styles[first.severity]), (f" [{first.code}]", "dim")
    yield Indented(Text.assemble(mark, printable(first.message), code, times), 2)
    for finding in group[:ALIKE]:
        for place in filter(None, (finding.place, finding.other)):
            if place.quote:
                yield Indented(finding_place(place, source), 6)
    if len(group) > ALIKE:
        yield Indented(Text(f"... and {len(group) - ALIKE:,} more; see --json.", style="dim"), 6)


def impact_report(impact: Impact) -> Iterator[RenderableType]:
    """Yield what would change: counts, what changed in each document, the gravest first, and answers."""
    documents = impact.documents
    yield impact.headline()
    yield from first_of(impact.rejected, rejection_line)
    for name in ("added", "removed", "hidden"):
        yield from first_of(getattr(documents, name), partial(_named, name))
    for change in documents.changed[:MANY]:
        yield Text(printable(f"{change.source}{f' (was {change.was})' * bool(change.was)}"), style="bold")
        yield from first_of(list(change.lines()), _impact_line)
    for answer in impact.answers.changed[:MANY]:
        mark = ("✗ ", "red") if answer.broke else ("~ ", "yellow")
        yield Text.assemble(mark, (printable(answer.id), "bold"), ": ", one_line(answer.question))
        yield from map(_impact_line, answer.lines())
    if max(len(documents.changed), len(impact.answers.changed)) > MANY:
        yield Text(f"The first {MANY} documents and answers are shown; see --json.", style="dim")


def _named(name: str, source: str) -> Text:
    return Text.assemble((f"{name} ", "yellow"), (printable(source), "bold"))


def _impact_line(parts: Line) -> Indented:
    """Return a line with what was and what is marked: [-old-] {+new+}."""
    marks = {"old": ("[-{}-]", "green"), "new": ("{{+{}+}}", "red"), "strong": ("{}", "bold"), "dim": ("{}", "dim")}
    shown = ((*marks.get(role, ("{}", "")), text) for role, text in parts)
    return Indented(Text(" ").join(Text(mark.format(one_line(text)), style) for mark, style, text in shown))


def calibration_line(found: Mapping[str, Any]) -> str:
    made = found["made"]
    return (
        f"answers from a probability of {found['threshold']:.2g}: of {found['questions']:,} questions "
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
