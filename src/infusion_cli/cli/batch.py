"""Many requests at once: check a file, apply it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from infusion_cli.cli import options, words
from infusion_cli.cli.files import may_write, read_bytes, write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.codec import encode_plan
from infusion_cli.domain.names import shown
from infusion_cli.domain.plan import Plan
from infusion_cli.errors import ExitStatus
from infusion_cli.services import batch as service
from infusion_cli.services.batch import BatchLine, Problem
from infusion_cli.services.desk import Outcome

FILE = options.argument("FILE", "CSV with a header, or JSON Lines; - is stdin.")
KEEP_GOING = options.option("--keep-going", help="Write what can be written and name the rest.")


@command(file=FILE)
def check(session: Session, file: str, output: str = "") -> int | None:
    """Say what a file would do.

    Every bad line with its number; nothing is written but the plan of -o.
    """
    return _carry_out(session, file, output, keep_going=False, dry_run=True)


@command(writes=True, file=FILE, keep_going=KEEP_GOING)
def apply(session: Session, file: str, *, keep_going: bool = False, output: str = "") -> int | None:
    """Carry out a file, all of it or nothing.

    Later lines see the effects of earlier ones. The same file twice changes nothing the second
    time: each line has a key, given or made of its content.
    """
    return _carry_out(session, file, output, keep_going=keep_going, dry_run=session.options.dry_run)


def _carry_out(session: Session, file: str, output: str, *, keep_going: bool, dry_run: bool) -> int | None:
    from infusion_cli.formats.requests import parse_requests  # noqa: PLC0415  only for these commands
    from infusion_cli.formats.sheet import MAX_BYTES  # noqa: PLC0415

    if output and not may_write(session, Path(output)):
        session.out.note("Nothing was written.")
        return 1
    parsed, errors = parse_requests(read_bytes(Path(file), MAX_BYTES), file)
    lines = [BatchLine(r.line, r.action, r.fields, r.key) for r in parsed]
    problems = [Problem(e.line, e.column, e.rule, e.message) for e in errors]
    began = monotonic()
    desk = session.desk()._replace(dry_run=dry_run)
    with _progress(session, len(lines)) as on_line:
        outcome = service.apply_batch(desk, lines, problems, keep_going=keep_going, on_line=on_line)
    session.changed = bool(outcome.changes) and not outcome.replayed
    session.saw(c.after for c in outcome.changes)
    if output:
        _keep_plan(session, outcome, Path(output))
    if output != "-":
        session.out.record(_data(outcome), _lines(outcome, lines, monotonic() - began, dry_run=dry_run))
    if dry_run:
        session.out.note("Dry run: nothing was written.")
    return ExitStatus.CONFLICT if outcome.summary["left_out"] else None


def _data(outcome: Outcome) -> dict[str, object]:
    return {"operation": outcome.operation or None, **outcome.summary, "replayed": outcome.replayed}


def _lines(outcome: Outcome, lines: Sequence[BatchLine], seconds: float, *, dry_run: bool) -> list[Line]:
    summary, left_out = outcome.summary, outcome.summary["left_out"]
    placed, already = len(summary["placed"]), len(summary["already"])
    if summary["courses"]:
        head = f"{summary['courses_placed']} of {summary['courses']} courses placed, "
    else:
        head = f"{words.count(placed, 'line')} done, "
    said: list[Line] = [f"{head}{words.count(summary['visits'], 'visit')}, in {seconds:.1f} s."]
    if outcome.replayed:
        said[0] = f"Done already, under this key: {said[0]}"
    if already:
        said.append(f"{words.count(already, 'line')} had been done before.")
    if outcome.operation and not dry_run:
        said[0] = f"{said[0]} Operation {outcome.operation}; undo takes all of it back."
    if left_out:
        by_line = {line.line: line for line in lines}
        numbers = len({p["line"] for p in left_out})
        said.append(f"Left out ({words.count(numbers, 'line')}), none of their visits written:")
        said += [_left_out(p, by_line.get(p["line"])) for p in left_out]
    return said


def _left_out(problem: dict[str, object], line: BatchLine | None) -> str:
    fields = line.fields if line else {}
    who = shown(fields.get("patient") or fields.get("appointment") or "")
    what = f"{who:8} {fields.get('protocol', ''):12} " if line else ""
    column = f"{problem['column']}  " if problem["column"] else ""
    message = shown(str(problem["message"]))
    rule = "" if str(problem["rule"]) in message else f"{problem['rule']}: "
    return f"  line {problem['line']}  {what}{column}{rule}{message}"


def _keep_plan(session: Session, outcome: Outcome, path: Path) -> None:
    from infusion_cli.formats.json_out import dumps  # noqa: PLC0415  only when a plan is kept

    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        plan = Plan(outcome.changes, (), {"lines": outcome.summary["lines"]}, "", reader.now, reader.revision)
    write_bytes(path, (dumps(encode_plan(plan, tz)) + "\n").encode())


@contextmanager
def _progress(session: Session, total: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr while it runs, where somebody can see it."""
    if session.options.quiet or session.out.is_json or not sys.stderr.isatty() or total < 2:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Deciding", total=total)
        yield lambda done: bar.update(task, completed=done)
