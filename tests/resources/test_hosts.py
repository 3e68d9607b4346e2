"""Hosts: an exception that arrived by chance is theirs; one that code raised is its file's."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import pytest

from resources.hosts import is_hosts


class Stop(BaseException):
    """What a library, a helper of the users, or a host has of its own."""


class AirflowTaskTimeout(Exception):
    """Airflow's, once an Exception."""


def _raise(error: BaseException) -> NoReturn:
    raise error


def _in_a_generator() -> None:
    """Raise behind a generator."""
    [_raise(Stop()) for _ in range(1)]


def _again() -> None:
    """Catch one, and raise it again."""
    try:
        _raise(Stop())
    except Stop:
        raise


async def _cancelled() -> None:
    raise asyncio.CancelledError


def _by_a_thread() -> None:
    """Be interrupted by another thread, as some time-outs do it."""
    me = ctypes.c_ulong(threading.get_ident())
    ctypes.pythonapi.PyThreadState_SetAsyncExc(me, ctypes.py_object(Stop))
    while True:
        sum(range(10))


def _caught(function: Callable[[], object]) -> tuple[BaseException, bool]:
    """Give what a function raised, and whether it is taken for the host's while it is handled."""
    try:
        function()
    except BaseException as error:
        return error, is_hosts(error)
    raise AssertionError


@pytest.mark.parametrize(
    "function",
    [
        lambda: _raise(Stop()),
        _in_a_generator,
        _again,
        lambda: asyncio.run(_cancelled()),
        lambda: _raise(SystemExit(3)),
        lambda: sys.exit(3),
        lambda: _raise(GeneratorExit()),
        lambda: _raise(ValueError()),
        [].pop,
    ],
)
def test_what_code_raises_is_its_files(function: Callable[[], object]) -> None:
    error, hosts = _caught(function)
    assert not hosts, error


@pytest.mark.parametrize(
    "function",
    [
        _by_a_thread,
        lambda: _raise(KeyboardInterrupt()),
        lambda: _raise(AirflowTaskTimeout()),
    ],
)
def test_what_arrives_by_chance_is_the_hosts(function: Callable[[], object]) -> None:
    error, hosts = _caught(function)
    assert hosts, error


def test_what_a_signals_handler_raises_is_the_hosts() -> None:
    def handler(_number: int, _frame: FrameType | None) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        _, hosts = _caught(lambda: signal.raise_signal(signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert hosts
