"""The plain cell as the lessons on it have it: a `ScalarRNN` of their controls."""

from __future__ import annotations

from typing import Any

from gradprod.cells import ScalarRNN
from gradprod.explorers.model import Explorer, cached


class PlainCell(Explorer):
    """Mixed into an explorer that has these four controls."""

    activation: Any
    recurrent_weight: Any
    input_weight: Any
    bias: Any

    @cached("activation", "recurrent_weight", "input_weight", "bias")
    def cell(self) -> ScalarRNN:
        """The plain recurrent cell at these settings."""
        return ScalarRNN(
            activation=self.activation,
            recurrent_weight=self.recurrent_weight,
            input_weight=self.input_weight,
            bias=self.bias,
        )
