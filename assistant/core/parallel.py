"""Work on a stream of items in threads; results come out in the items' order, each as soon as it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore, Lock
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int,
    emit: Callable[[Result], object],
    stop: Callable[[], object] = lambda: None,
) -> None:
    """Call `emit(work(item))` for each item, with `jobs` of them in work at once; `emit` runs once at a time.

    A result does not wait for the next item: who sends one only after an answer gets that answer. The first exception,
    in the items' order, ends it and is raised; what was emitted stays. It waits for the work that has begun: `stop` is
    called before, where that is not to go on.
    """
    if jobs == 1:
        for item in items:
            emit(work(item))
        return
    waiting: deque[Future[Result]] = deque()
    failed: list[BaseException] = []
    # Two items for each thread: one to work on, one that waits for an earlier item's result.
    slots, emitting = BoundedSemaphore(2 * jobs), Lock()

    def emit_ready(_: object) -> None:
        with emitting:
            while waiting and waiting[0].done() and not failed:
                try:
                    emit(waiting.popleft().result())
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
            future.add_done_callback(emit_ready)
        if not failed:
            pool.shutdown()
        if failed:
            raise failed[0]
    except BaseException:
        stop()
        pool.shutdown(cancel_futures=True)
        raise
