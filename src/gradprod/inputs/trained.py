"""The weights of a small LSTM that was trained on the sunspot series."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def trained_weights() -> dict[str, NDArray[np.float64]]:
    """Weights of an LSTM of four units that predicts the next year's sunspot number.

    It reads ``standardise(SUNSPOTS)``, saw the years to 1908, and stopped where the fifty years to 1958 were
    predicted best; ``scripts/train_small_lstm.py`` made it.

    Returns
    -------
    dict of ndarray
        Under PyTorch's names: ``weight_ih_l0`` and so on, as `from_pytorch` reads them, and
        ``readout.weight`` and ``readout.bias``.
    """
    path = files("gradprod.inputs").joinpath("data/sunspot_lstm.npz")
    with path.open("rb") as file, np.load(file) as weights:
        return {name: weights[name] for name in weights.files}
