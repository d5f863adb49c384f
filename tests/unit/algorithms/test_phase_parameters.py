from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.phase_parameters import PhaseParameters, phase_filter
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.phase import METHODS, PhaseFilter

METADATA = {"energy_kev": 20.0, "distance_mm": 100.0, "pixel_size_um": 1.0}
SHAPE = (64, 128)


def make(values: dict[str, Any], metadata: dict[str, Any] = METADATA) -> PhaseFilter:
    parameters = PhaseParameters.parse(values, "the parameters of phase")
    return phase_filter(parameters, Scan(run_uid="r", **metadata), SHAPE)


def test_metadata_of_the_scan_fill_in() -> None:
    assert make({"delta_beta": 200}) == PhaseFilter("paganin", 200, 20, 100, 1)


def test_parameters_go_before_metadata() -> None:
    values = {"energy_kev": 30, "distance_mm": 0, "pixel_size_um": 2}
    found = make(values | {"delta_beta": 5, "method": "ctf", "magnification": 4})
    assert found == PhaseFilter("ctf", 5, 30, 0, 2, 4)


def test_delta_and_beta_give_their_ratio() -> None:
    assert make({"delta": 1.4e-6, "beta": 7e-9}).delta_beta == pytest.approx(200)


@pytest.mark.parametrize("name", sorted(METADATA))
def test_what_nobody_says_is_asked_for_by_name(name: str) -> None:
    metadata = {key: value for key, value in METADATA.items() if key != name}
    sentence = f"needs {name}: in the plan's metadata or in the pipeline's parameters"
    with pytest.raises(InputError, match=sentence):
        make({"delta_beta": 200}, metadata)


@pytest.mark.parametrize("values", [{}, {"delta": 1e-6}, {"beta": 1e-9}])
def test_a_material_is_needed(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="needs delta_beta, or delta and beta: in the"):
        make(values)


@pytest.mark.parametrize("extra", [{"delta": 1e-6}, {"delta": 1e-6, "beta": 1e-9}])
def test_a_material_is_given_once(extra: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not both"):
        make({"delta_beta": 200} | extra)


@pytest.mark.parametrize("name", ["delta_beta", "delta", "beta", *METADATA])
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_what_is_not_physical_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} = .* in the parameters of phase is"):
        make({name: value})


def test_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"method = 'bronnikov' .* 'ctf'"):
        make({"delta_beta": 200, "method": "bronnikov"})
    methods = PhaseParameters.model_json_schema()["properties"]["method"]["enum"]
    assert sorted(methods) == sorted(METHODS)


def test_a_filter_wider_than_the_frame_is_a_mistaken_unit() -> None:
    with pytest.raises(InputError, match=r"average over 314 pixels .* 128 columns"):
        make({"delta_beta": 200, "distance_mm": 100_000.0})
