"""Exceptions that whoever runs us raises: Ctrl-C, SIGTERM, Airflow's time-outs; never a file's."""

from __future__ import annotations

import opcode
import signal
from collections.abc import Iterator
from types import CodeType
from typing import Final

_TIMEOUT: Final = "AirflowTaskTimeout"
"""Airflow's, by its name: it was an Exception once, and only dags/ knows Airflow."""
_RAISING: Final = ("RAISE_VARARGS", "RERAISE")


def is_hosts(error: BaseException) -> bool:
    """Tell whether an exception is the host's: it reached the code that ran by chance.

    A signal's handler, or another thread, raises it wherever the program happens to be. What code
    raises by itself (sys.exit, an exception of its own or of a library) is the file's that ran it,
    whatever its kind.
    """
    if isinstance(error, KeyboardInterrupt) or _is_timeout(error):
        return True
    if _from_a_signal(error):
        return True
    if isinstance(error, Exception) or type(error).__module__ == "builtins":
        return False
    return not _is_raised(error)


def _is_raised(error: BaseException) -> bool:
    """Tell whether a `raise` of the code that ran raised it; else it came from outside."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return True
    operation = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    return opcode.opname[operation] in _RAISING


def _from_a_signal(error: BaseException) -> bool:
    """Tell whether a signal's handler raised an exception."""
    handlers = set(_handlers())
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _handlers() -> Iterator[CodeType]:
    """Give the code of every handler of a signal that is written in Python."""
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if isinstance(code, CodeType):
            yield code


def _is_timeout(error: BaseException) -> bool:
    """Tell Airflow's time-out, of an import or a task."""
    return any(kind.__name__ == _TIMEOUT for kind in type(error).__mro__)
