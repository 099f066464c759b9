"""The queue: so many answers are made at once, so many questions wait, and a client that leaves frees its place.

An asker who is known by name has all turns but one, and half of the places to wait: the rest is for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from threading import Event
from typing import TypeVar
from weakref import WeakValueDictionary

from assistant.answer.question import ReportStage
from assistant.answer.steps import Waiting
from assistant.core.config import ServeSection
from assistant.core.errors import EndpointFailed
from assistant.serve.schemas import SOON, HttpError, busy, come_again

Result = TypeVar("Result")
Done = TypeVar("Done")


class Cancelled(Exception):
    """Raised within work that nobody waits for any more."""


class Share:
    """What an asker has of the turns, and how many of their questions wait."""

    def __init__(self, turns: int) -> None:
        self.turns = asyncio.Semaphore(turns)
        self.waiting = self.writing = 0


class RequestQueue:
    """Gives out turns in the order of arrival. Threads stay, since each has a connection to the catalog of its own."""

    def __init__(self, settings: ServeSection) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(settings.at_once)
        self._pool = ThreadPoolExecutor(settings.at_once, thread_name_prefix="serve")
        self._shares = WeakValueDictionary[str, Share]()  # of those who have a question here
        self.answering = 0
        self.waiting = 0
        self.writing = 0  # answers that a generator is writing

    async def run(self, work: Callable[[ReportStage], Result | Waiting[Result]], asker: str = "") -> Result:
        """Do work in a thread when its turn comes, and return what it returns; `asker` is whose it is, if one knows.

        Work that waits for a reply has neither thread nor turn meanwhile, and comes before others when it goes on.
        No thread can be stopped from outside: work calls its `report_stage` now and then, which raises Cancelled when
        nobody waits any more, and the place is free once it has ended. Raises what work raises, and HttpError if too
        many wait, if no turn comes in time, or if the work takes too long.
        """
        share = await self._turn(asker)
        cancelled = Event()
        try:
            async with asyncio.timeout(self._settings.seconds) as limit:
                outcome = await self._done(partial(work, partial(_check_cancelled, cancelled)), share)
                while isinstance(outcome, Waiting):
                    outcome = await self._resumed(outcome, share)
                return outcome
        except TimeoutError:
            if not limit.expired():
                raise
            message = f"the answer takes longer than {self._settings.seconds:g} s."
            raise HttpError(HTTPStatus.GATEWAY_TIMEOUT, "too_slow", message) from None
        finally:
            cancelled.set()

    async def _done(self, work: Callable[[], Done], share: Share) -> Done:
        """Do work in a thread, in a turn that was taken and is given back when the work ends."""
        loop = asyncio.get_running_loop()
        self.answering += 1
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._ended(loop, share))
        return await asyncio.wrap_future(future)

    async def _resumed(self, waiting: Waiting[Result], share: Share) -> Result | Waiting[Result]:
        """Go on with work once its reply is there; if nobody waits any more, the call for that reply ends."""
        reply: str | EndpointFailed
        self.writing += 1
        share.writing += 1
        try:
            reply = await asyncio.wrap_future(waiting.reply)
        except EndpointFailed as error:
            reply = error
        finally:
            self.writing -= 1
            share.writing -= 1
        await self._acquire(share)
        return await self._done(partial(waiting.resume, reply), share)

    def close(self) -> None:
        """Wait until cancelled work has ended."""
        self._pool.shutdown(cancel_futures=True)

    async def _turn(self, asker: str) -> Share:
        share = self._shares.get(asker) or Share(max(1, self._settings.at_once - bool(asker)))
        self._shares[asker] = share
        if (self._turns.locked() and self.waiting >= self._settings.queue) or self.writing > self._settings.queue:
            # When those who wait have had their turns, at a second each: asking before then only takes time from them.
            turns = self.waiting // self._settings.at_once
            raise busy("too many questions wait already; come again in a moment.", max(SOON, turns))
        most = self._settings.queue // 2
        if asker and ((share.turns.locked() and share.waiting >= most) or share.writing > most):
            message = "too many questions of yours wait already; come again in a moment."
            raise HttpError(HTTPStatus.TOO_MANY_REQUESTS, "too_many", message, come_again())
        self.waiting += 1
        share.waiting += 1
        try:
            async with asyncio.timeout(self._settings.seconds):
                await self._acquire(share)
        except TimeoutError:
            raise busy("there was no turn in time; come again in a moment.") from None
        finally:
            self.waiting -= 1
            share.waiting -= 1
        return share

    async def _acquire(self, share: Share) -> None:
        """Wait for a turn of the asker's own, then in the line of all: there nobody stands before others many times."""
        await share.turns.acquire()
        try:
            await self._turns.acquire()
        except BaseException:
            share.turns.release()
            raise

    def _ended(self, loop: asyncio.AbstractEventLoop, share: Share) -> None:
        with suppress(RuntimeError):  # the server has ended before its work
            loop.call_soon_threadsafe(self._free, share)

    def _free(self, share: Share) -> None:
        self.answering -= 1
        self._turns.release()
        share.turns.release()


def _check_cancelled(cancelled: Event, _stage: str = "") -> None:
    if cancelled.is_set():
        raise Cancelled
