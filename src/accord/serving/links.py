"""Links that serve one transfer after another."""

from __future__ import annotations


class Link:
    """A link of a stated rate; what comes while it is busy waits. busy_s: sum of the times it was busy."""

    __slots__ = ("busy_s", "bytes_per_s", "free_s")

    def __init__(self, bytes_per_s: float) -> None:
        """Begin idle."""
        self.bytes_per_s = bytes_per_s
        self.free_s = 0.0
        self.busy_s = 0.0

    def send(self, now_s: float, size_bytes: float) -> tuple[float, float]:
        """Begin and end of a transfer that is ready now."""
        start = max(now_s, self.free_s)
        taken = size_bytes / self.bytes_per_s
        self.free_s = start + taken
        self.busy_s += taken
        return start, self.free_s

    def receive(self, start_s: float, end_s: float, size_bytes: float) -> float:
        """End of a transfer whose sender is busy with it from ``start_s`` to ``end_s``."""
        taken = size_bytes / self.bytes_per_s
        self.free_s = max(self.free_s, start_s) + taken
        self.busy_s += taken
        return max(end_s, self.free_s)


def transfer_s(
    sender: Link, receiver: Link, now_s: float, size_bytes: float, latency_s: float, stream_bytes_per_s: float
) -> float:
    """When a transfer that is ready now has arrived; alone it reaches ``stream_bytes_per_s`` at most."""
    start, end = sender.send(now_s, size_bytes)
    done = receiver.receive(start, end, size_bytes)
    return max(done, start + size_bytes / stream_bytes_per_s) + latency_s
