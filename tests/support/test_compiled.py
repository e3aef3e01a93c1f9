"""Compiled code: a cache that fails is as if there were none, and errors of the code itself come through."""

from typing import Any

import numpy as np
import pytest

from caseload_sim.support.compiled import CACHE_ERRORS, CacheThatMayFail, Compiled, numba_is_there

pytestmark = pytest.mark.skipif(not numba_is_there(), reason="nothing is compiled without numba")


def _count(numbers: Any, fails: bool) -> int:  # pragma: no cover: Python itself does not run it
    numbers[0] += 1
    if fails:
        raise ValueError("in the middle")
    return len(numbers)


class Failing:
    """A cache that raises an error whatever it is asked for."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error
        self.asked: list[str] = []

    def load_overload(self, *_: Any) -> None:
        self.asked.append("load")
        raise self.error

    def save_overload(self, *_: Any) -> None:
        self.asked.append("save")
        raise self.error

    def flush(self) -> None:
        self.asked.append("flush")
        raise self.error


def test_an_error_in_compiled_code_comes_through_and_nothing_is_run_again() -> None:
    numbers = np.zeros(3)
    count = Compiled(_count)
    for times in (1, 2):
        with pytest.raises(ValueError, match="in the middle"):
            count(numbers, True)
        assert numbers[0] == times
    assert count(numbers, False) == 3
    assert numbers[0] == 3


@pytest.mark.parametrize("error", CACHE_ERRORS)
def test_a_cache_that_fails_is_as_if_there_were_none(error: type[Exception]) -> None:
    failing, count, numbers = Failing(error), Compiled(_count), np.zeros(3)
    count.dispatcher._cache = CacheThatMayFail(failing)
    assert count(numbers, False) == 3
    assert numbers[0] == 1, "run once"
    assert failing.asked == ["load", "flush", "save"]


def test_what_is_no_error_of_a_cache_comes_through_before_anything_is_run() -> None:
    count, numbers = Compiled(_count), np.zeros(3)
    count.dispatcher._cache = CacheThatMayFail(Failing(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        count(numbers, False)
    assert numbers[0] == 0


def test_arguments_that_the_code_cannot_take_are_an_error_of_numba() -> None:
    from numba.core.errors import TypingError

    with pytest.raises(TypingError):
        Compiled(_count)("no array", False)
