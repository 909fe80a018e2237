"""A trained LSTM on the real series, through every analysis that takes a vector cell."""

import math

import numpy as np
import pytest

import gradprod as gp


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
    whole, cells = gp.matrix_product(run), gp.block(gp.matrix_product(run), "cc")
    for product in (whole, cells):
        size = gp.norm(product, 2)
        assert size.shape == (309,)
        assert size[0] == pytest.approx(0, abs=1e-15)
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
        assert gp.norm(whole, 2)[lag] == pytest.approx(math.log10(np.linalg.norm(plain, 2)), abs=1e-11)
        plain = plain @ J[-1 - lag]


def test_its_singular_values_and_exponents(net):
    run, _, _ = net
    values = gp.singular_values(run, lags=[1, 50, 308])
    assert values.shape == (3, 8)
    np.testing.assert_allclose(values[:, 0], gp.norm(gp.matrix_product(run), 2)[[1, 50, 308]], atol=1e-10)
    # the sum of all is the log determinant, which multiplies from step to step
    steps = run.steps()
    blocks = run.cell.jacobian(run.cell.partials(steps))
    J = np.block([[blocks["cc"], blocks["ch"]], [blocks["hc"], blocks["hh"]]])
    _, log = np.linalg.slogdet(J)
    assert values[2].sum() == pytest.approx(log.sum() / math.log(10), rel=1e-9)
    exponents = gp.lyapunov_exponents(run, discard=0)
    assert exponents.exponents.sum() == pytest.approx(log.mean(), rel=1e-9)
    assert (exponents.exponents < 0).all()
    whole = gp.whole_product(run.cell, run.inputs)
    assert gp.norm(whole, 2)[0] == pytest.approx(values[2, 0], abs=1e-9)
    row = gp.vector_product(run, {"c": [0, 0, 1.0, 0]})
    exact = gp.matrix_product(run)
    for part, columns in (("c", slice(0, 4)), ("h", slice(4, 8))):
        np.testing.assert_allclose(
            row.vector[part][40] * 2.0 ** row.exponent[40],
            exact.matrix[40, 2, columns] * 2.0 ** exact.exponent[40],
            rtol=1e-9,
        )
    influence = gp.influence_map(run)
    assert influence.shape == (308, 308)
    assert np.isneginf(influence[np.triu_indices(308, 1)]).all()


def test_its_terms_and_what_is_used_in_their_place(net):
    run, _, _ = net
    parts = gp.lstm_terms(run)
    np.testing.assert_allclose(sum(parts.terms.values()), parts.total, rtol=1e-12, atol=1e-15)
    slope = gp.cell_slope(run)
    assert 0.3 < slope.largest < 0.447744
    said = gp.approximations(run)
    assert said.error["four_terms"]["total"][1] < 1e-12
    assert said.error["forget"]["partial"][1] < 1e-12
    far = {name: np.max(errors["partial"][1:51]) for name, errors in said.error.items()}
    assert far["forget"] > 0.1  # the product of the forget gates alone is not the derivative


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
    alone = gp.norm(gp.matrix_product(gp.unroll(run.cell, run.inputs[:100])), 2)[-1]
    assert found.values[1, 1] == pytest.approx(alone, rel=1e-10)
    assert (np.diff(found.values, axis=1) > 0).all()  # a higher forget bias keeps more
