"""How CUDA blocks transform lines of one axis: radices, lines of a block, threads."""

from collections.abc import Iterator
from dataclasses import dataclass

RADICES = (16, 8, 5, 4, 3, 2)

_FAVORITE = 8
"""Elements that a thread holds best: enough in flight, few registers."""

_MOST_THREADS = 1024
_MOST_ROOM_BYTES = 96 * 1024
"""So that two blocks fit on a multiprocessor."""
_ELEMENT_BYTES = 8
_SUMS_BYTES = 20
"""Of each thread, where a block adds up what its threads have."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """Of lines of one length; see `lines.cuh`."""

    length: int
    middle: int
    """Radix of the end where something is done with the elements."""
    others: tuple[int, ...]
    """The rest, away from that end."""
    lines: int
    """Of a block."""

    @property
    def outer(self) -> int:
        """The radix of the other end."""
        return self.others[-1] if self.others else self.middle

    @property
    def threads(self) -> int:
        """Of a block: each holds the elements of one butterfly in the middle."""
        return self.lines * self.length // self.middle

    @property
    def room_bytes(self) -> int:
        """Of shared memory: one element in 17 is left free; twice from three steps."""
        size = self.lines * (self.length + self.length // 16 + 1)
        buffers = 1 if len(self.others) <= 1 else 2
        return max(buffers * _ELEMENT_BYTES * size, _SUMS_BYTES * self.threads)

    def constants(self, axis: str, *, middle_first: bool) -> dict[str, int | str]:
        """Name what the compiler is to know."""
        order = (self.middle, *self.others)
        plan, back = (order, order[::-1]) if middle_first else (order[::-1], order)
        return {
            f"{axis}_LINES": self.lines,
            f"{axis}_THREADS": self.threads,
            f"{axis}_PLAN": ",".join(map(str, plan)),
            f"{axis}_BACK": ",".join(map(str, back)),
            f"{axis}_RADIX": self.middle,
            f"{axis}_OUTER": self.outer,
        }


def plan_lines(length: int, lines: int) -> LinePlan:
    """Plan for lines of a length with factors 2, 3 and 5, at most `lines` a block.

    Fewest steps, of the smallest radices. Raises ValueError for other lengths.
    """
    ways = _products(length, RADICES) if length > 1 else iter(())
    found = min(ways, key=lambda one: (len(one), sum(one)), default=())
    if not found:
        raise ValueError(f"lines of {length} have a factor other than 2, 3 and 5")
    middle = min(found, key=lambda radix: abs(radix - _FAVORITE))
    others = list(found)
    others.remove(middle)
    while True:
        made = LinePlan(length, middle, tuple(others), lines)
        fits = made.threads <= _MOST_THREADS and made.room_bytes <= _MOST_ROOM_BYTES
        if fits or lines == 1:
            return made
        lines //= 2


def _products(length: int, radices: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Give all ways to write a length as a product of radices, largest first."""
    if length == 1:
        yield ()
    for number, radix in enumerate(radices):
        if length % radix == 0:
            for rest in _products(length // radix, radices[number:]):
                yield (radix, *rest)
