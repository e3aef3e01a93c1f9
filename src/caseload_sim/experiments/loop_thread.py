"""An event loop in a thread of its own, for a library that needs one: asked from outside, and never waited for without limit."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class LoopThread:
    """A loop that runs until it is ended. Whatever still runs on it then is cancelled, and its thread ends by itself.

    A program may have several; what blocks on one holds up none of the others.
    """

    def __init__(self) -> None:
        # Of this kind on Windows too, whose own kind lacks what Dask's connections are made with.
        self._loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._turn, name="caseload-sim loop", daemon=True)
        self._thread.start()

    def begin(self, coroutine: Coroutine[Any, Any, Answer]) -> "Future[Answer]":
        """Have a coroutine run on the loop; cancelling the future cancels it, without a wait.

        The future never settles if the loop ends before the coroutine begins. Raises RuntimeError if it has ended.
        """
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()  # or Python complains that nobody waited for it
            raise

    def ask(self, coroutine: Coroutine[Any, Any, Answer], seconds: float) -> Answer:
        """What a coroutine returns that runs on the loop. Raises TimeoutError, and cancels it, after so many seconds."""
        asked = self.begin(coroutine)
        try:
            return asked.result(seconds)
        finally:
            asked.cancel()

    def end(self, seconds: float = 0.0) -> None:
        """End the loop, if it has not ended before, and wait for that no longer than so many seconds."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)

    def _turn(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()
