"""Blocks of lanes rearranged between memory and registers.

Indices count elements of flat, C-contiguous float32 arrays and are not checked.
"""

# Arguments of intrinsics are what numba reads their signatures from.
# ruff: noqa: ARG001

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from daiss_bluesky.kernels.lanes import LANES, lanes_type, pointer

_FLOAT_BYTES = 4


def _load(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    value = builder.load(pointer(context, builder, kind, array, index))
    value.align = _FLOAT_BYTES
    return value


def _store(
    context: Any, builder: Any, kind: Any, array: Any, index: Any, value: Any
) -> None:
    builder.store(
        value, pointer(context, builder, kind, array, index)
    ).align = _FLOAT_BYTES


def _shuffle(builder: Any, a: Any, b: Any, order: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), order)
    return builder.shuffle_vector(a, b, mask)


def _offset(builder: Any, index: Any, count: int, step: Any) -> Any:
    return builder.add(index, builder.mul(ir.Constant(index.type, count), step))


def _interleaved(builder: Any, a: Any, b: Any) -> tuple[Any, Any]:
    half = LANES // 2
    low = [n for i in range(half) for n in (i, LANES + i)]
    return _shuffle(builder, a, b, low), _shuffle(
        builder, a, b, [n + half for n in low]
    )


@intrinsic
def transpose(_typing, source, at, step, target, to, to_step):  # type: ignore[no-untyped-def]
    """Put target[to + j * to_step + i] = source[at + i * step + j] for i, j < LANES."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        source, at, step, target, to, to_step = arguments
        block = [
            _load(
                context, builder, signature.args[0], source,
                _offset(builder, at, i, step),
            )
            for i in range(LANES)
        ]  # fmt: skip
        # Four perfect shuffles of the rows exchange the two halves of an index.
        for _ in range(4):
            halves = zip(block[: LANES // 2], block[LANES // 2 :], strict=True)
            block = [part for pair in halves for part in _interleaved(builder, *pair)]
        for j, value in enumerate(block):
            where = _offset(builder, to, j, to_step)
            _store(context, builder, signature.args[3], target, where, value)
        return context.get_dummy_value()

    number = types.int64
    return types.void(source, number, number, target, number, number), generate


@intrinsic
def split(_typing, a, b):  # type: ignore[no-untyped-def]
    """Take LANES complex numbers in two values apart: real and imaginary parts."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        even = list(range(0, 2 * LANES, 2))
        a, b = arguments
        parts = [_shuffle(builder, a, b, [n + odd for n in even]) for odd in (0, 1)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(lanes_type, 2)(a, b), generate


@intrinsic
def join(_typing, real, imag):  # type: ignore[no-untyped-def]
    """Put real and imaginary parts of LANES complex numbers in turn: two values."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        parts = _interleaved(builder, *arguments)
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(lanes_type, 2)(real, imag), generate


@intrinsic
def follow(_typing, before, now):  # type: ignore[no-untyped-def]
    """Give the last of before, then all of now but its last."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        before, now = arguments
        order = list(range(LANES - 1, 2 * LANES - 1))
        return _shuffle(builder, before, now, order)

    return lanes_type(before, now), generate
