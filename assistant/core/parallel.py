"""Work on a stream of items in threads; results are told in the items' order, each as soon as it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore, Lock
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 2  # items taken for each thread: one to work on, one that waits for an earlier item's result


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], jobs: int, tell: Callable[[Result], object]
) -> None:
    """Call `tell(work(item))` for each item, with `jobs` of them in work at once; `tell` is never called twice at once.

    A result does not wait for the next item: who sends one only after an answer gets that answer. The first exception,
    in the items' order, ends it and is raised; what was told stays told.
    """
    if jobs == 1:
        for item in items:
            tell(work(item))
        return
    waiting: deque[Future[Result]] = deque()
    failed: list[BaseException] = []
    slots, telling = BoundedSemaphore(AHEAD * jobs), Lock()

    def tell_what_is_ready(_: object) -> None:
        with telling:
            while waiting and waiting[0].done() and not failed:
                try:
                    tell(waiting.popleft().result())
                except BaseException as error:  # of a thread: it is raised where the items are taken
                    failed.append(error)
                slots.release()

    pool = ThreadPoolExecutor(jobs)
    try:
        for item in items:
            slots.acquire()
            if failed:
                break
            future = pool.submit(work, item)
            waiting.append(future)
            future.add_done_callback(tell_what_is_ready)
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown(cancel_futures=bool(failed))
    if failed:
        raise failed[0]
