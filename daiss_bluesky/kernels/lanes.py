"""Sixteen float32 numbers as one value inside compiled kernels.

Slices of a parallel-beam scan are computed alike, so kernels carry sixteen of them side
by side. What a loop over them becomes is the compiler's choice, and it often chooses
badly; these are vector registers by construction, of whatever width the machine has.
Arrays are flat, C-contiguous float32; indices count elements and are not checked.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

LANES = 16

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FLOAT_BYTES = 4


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"lanes{LANES}")


_lanes = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(_typing, array, index):  # type: ignore[no-untyped-def]
    """Take array[index : index + LANES]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = signature.args[0]
        value = builder.load(_pointer(context, builder, kind, *arguments))
        value.align = _FLOAT_BYTES
        return value

    return _lanes(array, types.int64), generate


@intrinsic
def store(_typing, array, index, value):  # type: ignore[no-untyped-def]
    """Put a value into array[index : index + LANES]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        where = _pointer(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], where).align = _FLOAT_BYTES
        return context.get_dummy_value()

    return types.void(array, types.int64, _lanes), generate


def _operation(name: str) -> Callable[..., Any]:
    @intrinsic
    def operate(_typing, a, b):  # type: ignore[no-untyped-def]
        def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, name)(*arguments, flags=("contract",))

        return _lanes(a, b), generate

    made: Callable[..., Any] = operate
    return made


add = _operation("fadd")
subtract = _operation("fsub")
multiply = _operation("fmul")


@intrinsic
def multiply_add(_typing, a, b, c):  # type: ignore[no-untyped-def]
    """Give a * b + c, rounded once where the machine can."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        product = builder.fmul(*arguments[:2], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return _lanes(a, b, c), generate


def _choice(first_if_less: bool) -> Callable[..., Any]:
    @intrinsic
    def choose(_typing, a, b):  # type: ignore[no-untyped-def]
        def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            a, b = arguments
            less = builder.fcmp_ordered("<", a, b)
            return builder.select(less, *((a, b) if first_if_less else (b, a)))

        return _lanes(a, b), generate

    made: Callable[..., Any] = choose
    return made


minimum = _choice(True)
maximum = _choice(False)


@intrinsic
def where_less(_typing, a, b, then, otherwise):  # type: ignore[no-untyped-def]
    """Take `then` where a < b, else `otherwise`."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        a, b, then, otherwise = arguments
        return builder.select(builder.fcmp_ordered("<", a, b), then, otherwise)

    return _lanes(a, b, then, otherwise), generate


@intrinsic
def splat(_typing, number):  # type: ignore[no-untyped-def]
    """Give LANES times the same number (float32)."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        one = builder.insert_element(nothing, arguments[0], first)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, nothing, zeros)

    return _lanes(types.float32), generate


@intrinsic
def transpose(_typing, source, at, step, target, to, stride):  # type: ignore[no-untyped-def]
    """Transpose LANES rows of LANES numbers, `step` apart, to rows `stride` apart."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kinds = signature.args
        array, at, step, other, to, stride = arguments
        rows = []
        for _ in range(LANES):
            rows.append(builder.load(_pointer(context, builder, kinds[0], array, at)))
            rows[-1].align = _FLOAT_BYTES
            at = builder.add(at, step)
        for row in _transposed(builder, rows):
            where = _pointer(context, builder, kinds[3], other, to)
            builder.store(row, where).align = _FLOAT_BYTES
            to = builder.add(to, stride)
        return context.get_dummy_value()

    places = types.int64, types.int64
    return types.void(source, *places, target, *places), generate


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Exchange the quarters off the diagonal, then within each, down to one number."""
    rows, half = list(rows), LANES // 2
    while half:
        low = [j + LANES - half if j & half else j for j in range(LANES)]
        high = [j + LANES if j & half else j + half for j in range(LANES)]
        masks = [
            ir.Constant(ir.VectorType(ir.IntType(32), LANES), m) for m in (low, high)
        ]
        for i in (i for i in range(LANES) if not i & half):
            a, b = rows[i], rows[i + half]
            rows[i] = builder.shuffle_vector(a, b, masks[0])
            rows[i + half] = builder.shuffle_vector(a, b, masks[1])
        half //= 2
    return rows
