"""The program's front: the lazy command tree, and the one place where errors become words."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from infusion_cli.errors import ExitStatus

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""Why output that goes into a file or a device cannot be written; every other file's failure has its own words."""

if TYPE_CHECKING:
    from typer.core import TyperCommand


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit status; a request to end (SIGTERM) is heeded like Ctrl-C."""
    import signal  # noqa: PLC0415  only the program itself answers to signals

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    status = run(list(sys.argv[1:] if args is None else args))
    # The answer is given: what comes now must not turn it into a failure.
    for late in (signal.SIGINT, signal.SIGTERM):
        signal.signal(late, signal.SIG_IGN)
    sys.exit(status)


def run(args: list[str]) -> int:
    """Run one command line; gives its exit status, whatever happens."""
    try:
        status = _run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _interrupted(args)
    except BrokenPipeError:
        _throw_output_away()  # The reader has seen enough.
        return ExitStatus.OK
    except OSError as error:
        _throw_output_away()
        return _unwritten(error, args)
    return status


def command_tree() -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command with the words that call it, all loaded (for the reference and its check)."""
    from infusion_cli.cli.tree import all_commands  # noqa: PLC0415  Typer is slow to load

    return all_commands()


def _run(args: list[str]) -> int:
    _prepare_streams()
    import typer  # noqa: PLC0415

    from infusion_cli.cli.tree import root, usage_error  # noqa: PLC0415  so that Ctrl-C is caught here too
    from infusion_cli.errors import InfusionError  # noqa: PLC0415

    try:
        result = root().run(args)
    except typer.TyperException as error:
        return _report(usage_error(error), args)
    except InfusionError as error:
        return _report(error, args)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:
        if os.environ.get("INFUSION_DEBUG") or (isinstance(error, OSError) and error.errno in _FULL):
            raise
        return _unexpected(error, args)
    return result if isinstance(result, int) else ExitStatus.OK


def _throw_output_away() -> None:
    """The interpreter must not complain at its end about what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritten(error: OSError, args: list[str]) -> int:
    from infusion_cli.errors import InfusionError  # noqa: PLC0415

    message = f"The output cannot be written: {error.strerror}."
    return _report(InfusionError(message, "infusion history shows whether the book was changed"), args)


def _report(error: Any, args: list[str]) -> int:
    from infusion_cli.cli.failure import report  # noqa: PLC0415  only when something failed

    return report(error, wants_json=_wants_json(args))


def _unexpected(error: Exception, args: list[str]) -> int:
    from infusion_cli.errors import InfusionError  # noqa: PLC0415

    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" in {os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno}" if where else ""  # noqa: PTH119
    message = f"Something unexpected happened ({type(error).__name__}{place}); nothing more is known."
    return _report(InfusionError(message, "run it again with INFUSION_DEBUG=1 and report what it prints"), args)


def _interrupted(args: list[str]) -> int:
    from infusion_cli.cli.failure import interrupted  # noqa: PLC0415

    return interrupted(wants_json=_wants_json(args))


def _wants_json(args: list[str]) -> bool:
    """Whether a program reads, as far as the words typed tell: parsing may be what failed."""
    own = args[: args.index("--")] if "--" in args else args
    forms = {"json", "jsonl"}
    pairs = zip(own, [*own[1:], ""], strict=False)
    return "--json" in own or any(
        a in {f"--format={f}" for f in forms} or (a == "--format" and b in forms) for a, b in pairs
    )


def _prepare_streams() -> None:
    """A name that the terminal cannot show is shown as far as it can; it never stops the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
