"""A trained LSTM on the real series, through every analysis that takes a vector cell."""

import math

import numpy as np
import pytest

import gradprod as gp
from gradprod.products import block, matrix_product, norm


@pytest.fixture(scope="module")
def net():
    weights = gp.trained_weights()
    cell = gp.from_pytorch(weights)
    readout = gp.Readout(weight=weights["readout.weight"], bias=weights["readout.bias"])
    series = gp.standardise(gp.SUNSPOTS).values
    return gp.unroll(cell, series[:-1, None]), readout, series[1:, None]


def test_it_predicts_the_years_that_it_never_saw(net):
    run, readout, targets = net
    predicted = run.output @ readout.weight.T + readout.bias
    judged = slice(258, 308)
    error = np.mean((predicted - targets)[judged] ** 2)
    as_last_year = np.mean((run.inputs - targets)[judged] ** 2)
    assert error < 0.6 * as_last_year


def test_its_products_and_readouts(net):
    run, _, _ = net
    whole, cells = matrix_product(run), block(matrix_product(run), "cc")
    for product in (whole, cells):
        size = norm(product, 2)
        assert size.shape == (309,)
        assert size[0] == 0
        said = gp.readouts(size)
        assert said.verdict == "vanishes"
        assert 1 <= said.effective_memory < 308
        assert said.rate < 0
    # the product by plain multiplication of the step Jacobians, as far as doubles go
    steps = run.steps()
    blocks = run.cell.jacobian(run.cell.partials(steps))
    J = np.block([[blocks["cc"], blocks["ch"]], [blocks["hc"], blocks["hh"]]])
    plain = np.eye(8)
    for lag in range(31):
        assert norm(whole, 2)[lag] == pytest.approx(math.log10(np.linalg.norm(plain, 2)), abs=1e-11)
        plain = plain @ J[-1 - lag]


def test_its_gates_and_the_surface(net):
    run, _, _ = net
    forget = run.pre_activations["f"]
    times = gp.memory_time(forget)
    assert times.shape == (308, 4)
    np.testing.assert_allclose(times, -1 / np.log(1 / (1 + np.exp(-forget))), rtol=1e-12)
    path = gp.path_shares(np.moveaxis(run.gates["f"], -1, 0))
    assert path.below.shape == (4,)
    np.testing.assert_allclose(path.below + path.between + path.above, 1)


def test_where_its_gradient_comes_from(net):
    run, readout, targets = net
    whole = gp.loss_gradients(run, readout, targets)
    for name, shares in gp.lag_shares(run, readout, targets).items():
        if np.any(whole.parameters[name]):
            assert shares.beyond[0] < 1
            assert (np.diff(shares.beyond) <= 1e-15).all()
            assert shares.beyond[-1] == 0
            assert shares.beyond[100] < 1e-3
    by_lag = gp.gradient_by_lag(run, readout, targets)
    for name, gradient in whole.parameters.items():
        np.testing.assert_allclose(by_lag[name].sum(axis=0), gradient, rtol=1e-9, atol=1e-10)
    clipped = gp.clip_by_norm(whole.parameters, 1.0)
    assert clipped.changed
    total = math.sqrt(sum(float(np.sum(g**2)) for g in clipped.gradient.values()))
    assert total == pytest.approx(1, rel=1e-12)
    assert gp.clip_by_value(whole.parameters, clipped.norm_before / 10).angle > 0


def test_a_map_of_what_its_memory_hangs_on(net):
    run, _, _ = net
    parameters = run.cell.parameters

    def cell(forget_shift, recurrent_scale):
        names = [name for name in parameters if name.endswith("recurrent_weight")]
        scaled = {name: np.asarray(recurrent_scale)[..., None, None] * parameters[name] for name in names}
        bias = parameters["forget_bias"] + np.asarray(forget_shift)[..., None]
        return gp.VectorLSTM(**{**parameters, **scaled, "forget_bias": bias})

    plane = {"forget_shift": [-3.0, 0.0, 3.0], "recurrent_scale": [0.5, 1.0]}
    found = gp.regime_map(cell, plane, run.inputs[:100], readout="left")
    alone = norm(matrix_product(gp.unroll(run.cell, run.inputs[:100])), 2)[-1]
    assert found.values[1, 1] == pytest.approx(alone, rel=1e-10)
    assert (np.diff(found.values, axis=1) > 0).all()  # a higher forget bias keeps more
