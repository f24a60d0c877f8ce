"""Embeddings of slices: computed once, kept within a memory limit, prepared ahead in the background."""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Callable, Dict, Hashable, Iterable, Optional

DEFAULT_LIMIT = 512 * 2**20


class EmbeddingCache:
    """Remembers ``compute(key)`` for the keys used last. All methods may be called from any thread.

    Args:
        compute: makes an embedding; called once per key as long as the key stays in the cache.
        limit: bytes that the kept embeddings may take (their attribute ``nbytes``); the newest is always kept.
    """

    def __init__(self, compute: Callable[[Hashable], Any], limit: int = DEFAULT_LIMIT):
        self._compute = compute
        self._limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._coming: Dict[Hashable, Future] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedding")

    @property
    def nbytes(self) -> int:
        """Bytes taken by the kept embeddings."""
        with self._lock:
            return sum(embedding.nbytes for embedding in self._kept.values())

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def get(self, key: Hashable, check: Optional[Callable[[], None]] = None) -> Any:
        """The embedding of `key`: kept, or awaited when it is being prepared, or computed now.

        Args:
            check: called ten times a second while waiting; what it raises ends the waiting.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._coming.get(key)
            mine = future is None or future.cancel()
            if mine:
                future = self._coming[key] = Future()
                future.set_running_or_notify_cancel()
        if mine and check is None:
            self._run(key, future)
        elif mine:
            threading.Thread(target=self._run, args=(key, future), name="embedding", daemon=True).start()
        while check is not None and not wait([future], timeout=0.1).done:
            check()
        return future.result()

    def prefetch(self, keys: Iterable[Hashable]) -> None:
        """Prepare these keys in the background, first one first; earlier requests not yet begun are dropped."""
        with self._lock:
            for key, future in list(self._coming.items()):
                if future.cancel():
                    del self._coming[key]
            for key in keys:
                if key not in self._kept and key not in self._coming:
                    future = self._coming[key] = Future()
                    self._worker.submit(self._run_if_wanted, key, future)

    def clear(self) -> None:
        """Forget everything kept and not yet begun."""
        self.prefetch(())
        with self._lock:
            self._kept.clear()

    def close(self) -> None:
        """Stop preparing ahead; what is being computed ends on its own."""
        self.clear()
        self._worker.shutdown(wait=False)

    def _run_if_wanted(self, key: Hashable, future: Future) -> None:
        if future.set_running_or_notify_cancel():
            self._run(key, future)

    def _run(self, key: Hashable, future: Future) -> None:
        try:
            embedding = self._compute(key)
        except BaseException as error:  # noqa: BLE001 - raised again where the embedding is asked for
            with self._lock:
                self._coming.pop(key, None)
            future.set_exception(error)
            return
        with self._lock:
            self._coming.pop(key, None)
            self._kept[key] = embedding
            self._shrink()
        future.set_result(embedding)

    def _shrink(self) -> None:
        total = sum(embedding.nbytes for embedding in self._kept.values())
        while total > self._limit and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            total -= dropped.nbytes
