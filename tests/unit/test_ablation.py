"""Freezing one gate of an LSTM."""

import numpy as np
import pytest

from gradprod.analysis.ablation import FROZEN, ablation, freeze
from gradprod.cells import ScalarLSTM, ScalarRNN
from gradprod.unroll import unroll

CELL = ScalarLSTM(forget_bias=1.0, forget_weight=0.8, forget_peephole=0.2, candidate_weight=1.5)
INPUTS = np.sin(0.4 * np.arange(1, 41))


@pytest.mark.parametrize("gate", FROZEN)
def test_a_frozen_gate_is_its_mean_at_every_step_and_the_others_move(gate: str) -> None:
    run = unroll(CELL, INPUTS)
    frozen = unroll(freeze(run, gate), INPUTS)
    for name, (letter, _) in FROZEN.items():
        values = frozen.gates[letter]
        if name == gate:
            np.testing.assert_allclose(values, run.gates[letter].mean(), rtol=1e-12)
        else:
            assert np.ptp(values) > 1e-3


def test_with_the_forget_gate_alone_the_frozen_product_is_a_power() -> None:
    cell = ScalarLSTM(
        forget_weight=0.7,
        forget_recurrent_weight=0.0,
        input_gate_recurrent_weight=0.0,
        candidate_recurrent_weight=0.0,
        output_gate_recurrent_weight=0.0,
    )
    mean = (1 / (1 + np.exp(-(0.7 * INPUTS + 1.0)))).mean()
    found = ablation(unroll(cell, INPUTS))["forget"]
    assert found.value == pytest.approx(mean, rel=1e-12)
    assert found.readouts.left_log10 == pytest.approx(40 * np.log10(mean), rel=1e-10)


def test_wrong_gates_and_cells_are_told() -> None:
    with pytest.raises(ValueError, match=r"gate must be one of forget, .*, got 'reset'; choose one"):
        freeze(unroll(CELL, INPUTS), "reset")
    with pytest.raises(ValueError, match=r"trajectory must be of one ScalarLSTM, got ScalarRNN"):
        freeze(unroll(ScalarRNN(), INPUTS), "forget")
