"""The reference nets, held to finite differences and to one another, before they judge anything."""

import autograd.numpy as anp
import numpy as np
import pytest
import reference as ref


@pytest.mark.parametrize("name", ref.NETS)
def test_autograd_gradient_is_the_finite_difference(name):
    rng = np.random.default_rng(3)
    net = ref.NETS[name]
    n, m = (1, 1) if net.scalar else (3, 2)
    params, state, inputs = net.draw(rng, n, m, 0.5), net.draw_state(rng, n), net.draw_inputs(rng, 6, m)

    def loss(run):
        return anp.sum(anp.sin(run[1:]) * anp.arange(1, 7)[:, None])

    gradient = ref.loss_gradient(net, params, inputs, state, loss)
    for _ in range(5):
        ref.check_directional(
            lambda p: loss(ref.states(net, p, inputs, state)), gradient, params, rng, rel=1e-6
        )


@pytest.mark.parametrize("name", ref.NETS)
def test_products_chain(name):
    rng = np.random.default_rng(4)
    net = ref.NETS[name]
    n, m = (1, 1) if net.scalar else (3, 2)
    run = net, net.draw(rng, n, m), net.draw_inputs(rng, 7, m), net.draw_state(rng, n)
    whole = ref.product(*run, 6, 1)
    np.testing.assert_allclose(
        ref.product(*run, 6, 4) @ ref.product(*run, 4, 1), whole, rtol=1e-12, atol=1e-15
    )
    np.testing.assert_array_equal(ref.product(*run, 3, 3), np.eye(n * len(net.blocks)))


def test_peepholes_as_vector_matrix_and_none_agree():
    rng = np.random.default_rng(5)
    plain, diagonal = ref.NETS["lstm"], ref.NETS["lstm peephole"]
    params, state, inputs = diagonal.draw(rng, 3, 2), plain.draw_state(rng, 3), plain.draw_inputs(rng, 5, 2)
    peeps = ("p_i", "p_f", "p_o")
    matrix = params | {p: np.diag(params[p]) for p in peeps}
    nothing = params | {p: np.zeros(3) for p in peeps}
    dropped = {k: v for k, v in params.items() if k not in peeps}
    same = ref.states(diagonal, params, inputs, state)
    np.testing.assert_allclose(ref.states(diagonal, matrix, inputs, state), same, rtol=1e-14)
    np.testing.assert_array_equal(
        ref.states(plain, dropped, inputs, state), ref.states(plain, nothing, inputs, state)
    )
    assert np.abs(same - ref.states(plain, dropped, inputs, state)).max() > 0.01


def test_the_total_moves_h_along_and_the_partial_does_not():
    rng = np.random.default_rng(6)
    net = ref.NETS["lstm peephole"]
    params, state, inputs = net.draw(rng, 2, 2), net.draw_state(rng, 2), net.draw_inputs(rng, 4, 2)
    partial = ref.product(net, params, inputs, state, 4, 2)[2:, 2:]
    total = ref.carried_cell_jacobian(net, params, inputs, state, 4, 2)
    assert np.abs(partial - total).max() > 1e-3


def test_bidirectional_reads_both_ways():
    rng = np.random.default_rng(7)
    net = ref.NETS["rnn tanh"]
    params = {
        "forward": net.draw(rng, 2, 1),
        "backward": net.draw(rng, 2, 1),
        "V_f": np.ones((1, 2)),
        "V_b": np.zeros((1, 2)),
        "c": np.zeros(1),
    }
    state = np.zeros(2)
    one_way = ref.bidirectional_map(net, net, params, rng.normal(size=(5, 1)), state, state, 2)[:, 0, :, 0]
    assert np.all(np.triu(one_way, 1) == 0)
    assert np.count_nonzero(one_way) == 15
    both = params | {"V_b": np.ones((1, 2))}
    map_ = ref.bidirectional_map(net, net, both, rng.normal(size=(5, 1)), state, state, 2)[:, 0, :, 0]
    assert np.count_nonzero(map_) == 25
