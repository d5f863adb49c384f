"""Sixteen float32 numbers as one value inside compiled kernels.

Slices of a parallel-beam scan are computed alike, so kernels carry sixteen of them side
by side. What a loop over them becomes is the compiler's choice, and it often chooses
badly; these are vector registers by construction, of whatever width the machine has.
Arrays are flat, C-contiguous float32; indices count elements and are not checked.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import DTypeLike, NDArray

LANES = 16

_LINE_BYTES = 64

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FLOAT_BYTES = 4
_SHORT_BYTES = 2


def zeros(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Allocate zeros from the start of a cache line on.

    NumPy's own begin within one, and vectors across two take a third longer.
    """
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.zeros(count + _LINE_BYTES, np.uint8)
    start = -room.ctypes.data % _LINE_BYTES
    return room[start : start + count].view(dtype).reshape(shape)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"lanes{LANES}")


lanes_type = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Point at LANES numbers of an array, while code is generated."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(_typing, array, index):  # type: ignore[no-untyped-def]
    """Take array[index : index + LANES]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = signature.args[0]
        value = builder.load(pointer(context, builder, kind, *arguments))
        value.align = _FLOAT_BYTES
        return value

    return lanes_type(array, types.int64), generate


@intrinsic
def store(_typing, array, index, value):  # type: ignore[no-untyped-def]
    """Put a value into array[index : index + LANES]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        where = pointer(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], where).align = _FLOAT_BYTES
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes_type), generate


def _operation(name: str) -> Callable[..., Any]:
    @intrinsic
    def operate(_typing, a, b):  # type: ignore[no-untyped-def]
        def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, name)(*arguments, flags=("contract",))

        return lanes_type(a, b), generate

    made: Callable[..., Any] = operate
    return made


add = _operation("fadd")
subtract = _operation("fsub")
multiply = _operation("fmul")
divide = _operation("fdiv")


@intrinsic
def maximum(_typing, a, b):  # type: ignore[no-untyped-def]
    """Give the larger of each two; b where a is NaN."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        larger = builder.fcmp_ordered(">", *arguments)
        return builder.select(larger, *arguments)

    return lanes_type(a, b), generate


@intrinsic
def square_root(_typing, a):  # type: ignore[no-untyped-def]
    """Give the square roots."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        name, kind = f"llvm.sqrt.v{LANES}f32", ir.FunctionType(_VECTOR, [_VECTOR])
        root = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(root, arguments)

    return lanes_type(a), generate


@intrinsic
def load_uint16(_typing, array, index):  # type: ignore[no-untyped-def]
    """Take array[index : index + LANES] of uint16 as float32."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, index = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        shorts = ir.VectorType(ir.IntType(16), LANES)
        where = builder.bitcast(builder.gep(data, [index]), shorts.as_pointer())
        value = builder.load(where)
        value.align = _SHORT_BYTES
        return builder.uitofp(value, _VECTOR)

    return lanes_type(array, types.int64), generate


@intrinsic
def multiply_add(_typing, a, b, c):  # type: ignore[no-untyped-def]
    """Give a * b + c, rounded once where the machine can."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        product = builder.fmul(*arguments[:2], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return lanes_type(a, b, c), generate


@intrinsic
def minimum(_typing, a, b):  # type: ignore[no-untyped-def]
    """Give the smaller of each two; b where a is NaN."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        smaller = builder.fcmp_ordered("<", *arguments)
        return builder.select(smaller, *arguments)

    return lanes_type(a, b), generate


@intrinsic
def where_less(_typing, a, b, then, otherwise):  # type: ignore[no-untyped-def]
    """Take `then` where a < b, else `otherwise`."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        a, b, then, otherwise = arguments
        return builder.select(builder.fcmp_ordered("<", a, b), then, otherwise)

    return lanes_type(a, b, then, otherwise), generate


@intrinsic
def splat(_typing, number):  # type: ignore[no-untyped-def]
    """Give LANES times the same number (float32)."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        one = builder.insert_element(nothing, arguments[0], first)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, nothing, zeros)

    return lanes_type(types.float32), generate
