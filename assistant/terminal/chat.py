"""The terminal conversation: read a line, answer it or obey it, until it ends."""

from __future__ import annotations

import datetime
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from assistant.answer.assistant import Assistant
from assistant.answer.proof.citations import answer_text
from assistant.answer.question import checked_about
from assistant.core.errors import AssistantError, UsageError, did_you_mean
from assistant.core.records import Access, Answer, Citation, Feedback, Opinion, Quote, Sentence, Turn, make_access
from assistant.terminal.line_input import name_completer, open_history, read_plainly
from assistant.terminal.render import Renderer
from assistant.terminal.transcript import write_transcript
from assistant.terminal.views import citation_place, index_size, quote_in_context, role_hints, safe, sources_view, why
from assistant.text.canonical import printable

HISTORY_NAME = "questions.history"
REMEMBERED_ANSWERS = 3  # that a follow-up is understood from
NOT_ASKED = "not what i asked"  # how the words of `/bad` begin where an answer may well be right
STAGES = {
    "searching": "Searching the documents",
    "reading": "Reading what was found",
    "wording": "Wording the answer",
}
KEYS = "Anything else you type is a question. Up: earlier lines · Ctrl-R: search them · Ctrl-C: stop an answer"

Read = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Command:
    """What `/name` does; `usage` is what follows the name."""

    run: Callable[[str], None]
    help: str
    usage: str = ""


class Chat:
    """One conversation with one assistant."""

    def __init__(self, assistant: Assistant, view: Renderer, read: Read | None = None) -> None:
        """Prepare to talk; `read` gives a line, raises EOFError at the end and KeyboardInterrupt for Ctrl-C.

        Without `read`, lines come from a prompt with history and completion, or plainly where there is no terminal.
        """
        self._assistant = assistant
        self._view = view
        self._roles = sorted(assistant.access.roles)
        today = assistant.access.as_of == datetime.date.today().isoformat()
        self._day = "" if today else assistant.access.as_of
        self._about = assistant.config.user.about
        self._turns: list[tuple[str, Answer]] = []  # what was typed, whose values mask what follows, and the answer
        self._generation = ""
        self._done = self._working = False
        self.commands: Mapping[str, Command] = {
            "sources": Command(self._sources, "the sources of the last answer again, with their quotes"),
            "open": Command(self._open, "source N of the last answer, and the text around it", "N"),
            "why": Command(self._why, "how the last answer was found"),
            "good": Command(self._good, "say that the last answer is right", "[WORDS]"),
            "bad": Command(
                self._bad,
                f"say that it is wrong, or {NOT_ASKED!r}; and which sentence is right",
                "[WORDS] [| SENTENCE]",
            ),
            "me": Command(self._me, "say who asks, where that decides; alone, show it", "CONTRACTOR, LONDON | none"),
            "as": Command(self._as, "ask with these roles; alone, show yours", "ROLE[,ROLE] | none"),
            "as-of": Command(
                self._as_of, "ask of the documents in force that day; alone, show yours", "YYYY-MM-DD | today"
            ),
            "new": Command(self._new, "start a new conversation"),
            "save": Command(self._save, "save the conversation: .jsonl, .json, else Markdown", "FILE"),
            "help": Command(self._help, "this list"),
            "quit": Command(self._quit, "leave; so does Ctrl-D"),
        }
        self._interactive = read is not None or (sys.stdin.isatty() and sys.stdout.isatty())
        self._read = read or (self._prompt() if self._interactive else read_plainly)

    @property
    def access(self) -> Access:
        """Who asks, and of which day; today moves on with the calendar."""
        return make_access(self._roles, self._day)

    def run(self) -> None:
        """Talk until /quit or the end of the input. Ctrl-C stops an answer, and never the conversation."""
        self._greet()
        with self._interrupts():
            idle = 0  # how often Ctrl-C was pressed in a row
            while not self._done:
                try:
                    line = self._read().strip()
                except EOFError:
                    return
                except KeyboardInterrupt:
                    if not self._interactive:
                        raise
                    idle += 1
                    if idle > 1:
                        self._view.note("Leave with /quit or Ctrl-D.")
                    continue
                idle = 0
                self._take(line)

    def _take(self, line: str) -> None:
        """Do what one line asks; what goes wrong is said in one line."""
        try:
            try:
                self._working = True
                if line.startswith("/"):
                    self._obey(line)
                elif line:
                    self._ask(line)
            finally:
                self._working = False
        except AssistantError as error:
            self._view.error(error.cause, error.hint)
        except KeyboardInterrupt:
            if not self._interactive:
                raise
            self._view.note("Stopped.")

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Let Ctrl-C stop what runs, once: pressed again while that stops, it must not stop the program."""
        if not self._interactive:
            yield
            return

        def stop(*_: object) -> None:
            if self._working:
                self._working = False
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    # --- questions ---------------------------------------------------------------------------------------------

    def _greet(self) -> None:
        with self._assistant.catalog.snapshot():
            info = self._assistant.catalog.info(self.access)
        self._generation = info.generation
        self._view.note(f"{index_size(info)}. Ask a question, or /help.")

    def _ask(self, question: str) -> None:
        said: list[Sentence] = []
        with self._spinner() as stage:

            def tell(sentence: Sentence) -> None:
                said.append(sentence)
                stage(answer_text(said, worded=True))

            answer = self._assistant.answer(
                question, self._history(), access=self.access, stage=stage, tell=tell, about=self._about
            )
        index = answer.index
        changed, self._generation = self._generation not in ("", index.generation), index.generation
        if changed:
            self._view.note(f"The index has changed since the last answer: now {index_size(index)}.")
        self._turns.append((question, answer))
        self._view.answer(answer, self._assistant.files(answer, self.access))
        self._view.out.print()

    def _history(self) -> list[Turn]:
        """Return the last turns; a question that a guard refused is not one to understand others from."""
        heard = [(typed, a) for typed, a in self._turns if a.status != "blocked"][-REMEMBERED_ANSWERS:]
        return [turn for typed, a in heard for turn in (Turn("user", typed), Turn("assistant", a.text))]

    @property
    def _answers(self) -> list[Answer]:
        return [answer for _, answer in self._turns]

    @contextmanager
    def _spinner(self) -> Iterator[Callable[[str], None]]:
        """Show what is going on; yields a callback for the stage, or for what is said so far."""
        with self._view.working(STAGES["searching"]) if self._interactive else nullcontext() as status:
            yield lambda name: status.update(safe(STAGES.get(name, name))) if status else None

    # --- commands ----------------------------------------------------------------------------------------------

    def _obey(self, line: str) -> None:
        name, _, argument = line[1:].partition(" ")
        command = self.commands.get(name.lower())
        if command is None:
            near = did_you_mean(name[:40].lower(), self.commands, "/")
            raise UsageError(f"there is no command /{name[:40]}{near}.", "See /help.")
        command.run(argument.strip())

    def _sources(self, _: str) -> None:
        self._view.out.print(sources_view(self._citations()))
        self._view.out.print()

    def _open(self, argument: str) -> None:
        known = {str(c.key): c for c in reversed(self._citations())}
        if argument not in known:
            cause = f"there is no source {argument}." if argument else "say which source."
            raise UsageError(cause, f"Known: {', '.join(sorted(known, key=int))}; e.g. /open {min(known, key=int)}")
        citation = known[argument]
        around = self._assistant.around(citation, self.access)
        self._view.out.print(Text.assemble((f"[{citation.key}] ", "bold cyan"), citation_place(citation)))
        self._view.out.print()
        self._view.out.print(quote_in_context(*around))
        self._view.out.print()

    def _why(self, _: str) -> None:
        if not self._answers:
            raise UsageError("there is no answer yet.", "Ask a question first.")
        for step in why(self._answers[-1], self._assistant.threshold):
            self._view.out.print(Text(printable(f"· {step}")))
        self._view.out.print()

    def _good(self, argument: str) -> None:
        self._judge("right", argument)

    def _bad(self, argument: str) -> None:
        words, _, quote = argument.partition("|")  # a table's row has more of them
        self._judge("not-asked" if words.casefold().startswith(NOT_ASKED) else "wrong", words, quote)

    def _judge(self, opinion: Opinion, words: str, quote: str = "") -> None:
        if not self._answers:
            raise UsageError("there is no answer yet.", "Ask a question first.")
        self._assistant.feedback(Feedback(self._answers[-1].log_id, opinion, words, quote), access=self.access)
        self._view.note("Thank you: it is in the log.")

    def _me(self, argument: str) -> None:
        if argument:
            self._about = "" if argument.lower() == "none" else checked_about(argument)
        about = f"Answering for: {self._about}." if self._about else "Nothing is known of whoever asks."
        self._view.out.print(Text(printable(about)))

    def _as(self, argument: str) -> None:
        if argument:
            roles = make_access([] if argument.lower() == "none" else argument.split(",")).roles
            self._change(sorted(roles), self._day)
            for hint in role_hints(self._assistant.catalog.roles(), roles):
                self._view.note(hint)
        self._view.out.print(self._whose())

    def _as_of(self, argument: str) -> None:
        if argument:
            day = "" if argument.lower() == "today" else make_access((), argument).as_of
            self._change(self._roles, day)
        self._view.out.print(self._whose())

    def _change(self, roles: list[str], day: str) -> None:
        """Ask with other rights from now on; nothing that was answered with the old ones stays in mind."""
        before = self.access
        self._roles, self._day = roles, day
        if self.access != before:
            self._generation = ""  # another is seen of the same index
        if self.access != before and self._answers:
            self._turns.clear()
            self._view.note("Started a new conversation because your role or date changed.")

    def _whose(self) -> Text:
        access = self.access
        roles = ", ".join(sorted(access.roles)) or "someone without roles"
        return Text(printable(f"Asking as {roles}, of the documents in force on {access.as_of}."))

    def _new(self, _: str) -> None:
        self._turns.clear()
        self._view.note("Started a new conversation.")

    def _save(self, argument: str) -> None:
        if not argument:
            raise UsageError("say where to.", "E.g. /save leave.md")
        if not self._answers:
            raise UsageError("there is no conversation to save yet.", "Ask a question first.")
        path = write_transcript(argument, self._answers, self.access)
        count = f"{len(self._answers)} answer{'s' if len(self._answers) > 1 else ''}"
        self._view.note(f"{count} saved to {path}.")

    def _help(self, _: str) -> None:
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for name, command in self.commands.items():
            table.add_row(Text(f"/{name} {command.usage}"), Text(command.help))
        self._view.out.print(table, soft_wrap=False)  # columns wrap, in a pipe too
        self._view.out.print(Text(KEYS, style="dim"))

    def _quit(self, _: str) -> None:
        self._done = True

    def _citations(self) -> Sequence[Citation | Quote]:
        """Return those of the last answer, or what came closest to one; raises UsageError without any."""
        if not self._answers:
            raise UsageError("there is no answer yet.", "Ask a question first.")
        if not (sources := self._answers[-1].sources):
            raise UsageError("the last answer has no sources.")
        return sources

    # --- the prompt --------------------------------------------------------------------------------------------

    def _prompt(self) -> Read:
        """Return a reader with line editing, history and completion."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.formatted_text import FormattedText

        session: PromptSession[str] = PromptSession(
            history=open_history(self._assistant.config.data / HISTORY_NAME),
            completer=name_completer({name: command.help for name, command in self.commands.items()}),
            reserve_space_for_menu=len(self.commands),
        )
        return lambda: session.prompt(FormattedText([("bold", f"{self._who()}> ")]))

    def _who(self) -> str:
        """Return the roles and the day for the prompt, where they are not the usual ones."""
        return printable(" ".join(filter(None, (",".join(self._roles), self._day))))
