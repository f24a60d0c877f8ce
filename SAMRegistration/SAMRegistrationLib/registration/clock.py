"""How long the stages of a registration take."""

import time
from contextlib import contextmanager
from typing import Dict


class Clock:
    """Seconds by stage; a stage may come back."""

    def __init__(self):
        self.seconds: Dict[str, float] = {}

    @contextmanager
    def stage(self, name: str):
        """Count the time of the block."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
