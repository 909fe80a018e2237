"""Write tests/fixtures/keras_*.npz: Keras' own SimpleRNN, LSTM and GRU, with their outputs and gradients.

Run once, where Keras 3 and PyTorch are installed; the tests need the files alone:

    KERAS_BACKEND=torch python scripts/make_keras_fixtures.py

Everything is float64, batch of one, initial states zero; but the matmul of Keras 3.15.1 on PyTorch rounds to
float32 whatever it is given, so that the SimpleRNN and the GRU with reset before, which use it, are good to
about 1e-6. The others run on PyTorch's own kernels. In each file:

- ``weight_0`` …, the list ``layer.get_weights()``; ``inputs`` (T, m) and ``outputs`` (T, n or 2n);
- ``probe`` (T, n or 2n) and ``grad:weight_0`` …, the gradients of Σ probe · outputs.
"""

from pathlib import Path

import keras
import numpy as np

FOLDER = Path(__file__).parent.parent / "tests" / "fixtures"
n, m, T = 3, 2, 6


def record(layer: keras.Layer, rng: np.random.Generator) -> dict[str, np.ndarray]:
    inputs = rng.normal(size=(T, m))
    layer(inputs[None])
    layer.set_weights([rng.normal(size=w.shape) * 0.7 for w in layer.get_weights()])
    outputs = layer(inputs[None])[0]
    probe = rng.normal(size=tuple(outputs.shape))
    (outputs * keras.ops.convert_to_tensor(probe)).sum().backward()
    arrays = {"inputs": inputs, "probe": probe, "outputs": outputs.detach().numpy()}
    for number, weight in enumerate(layer.weights):
        arrays[f"weight_{number}"] = weight.numpy()
        arrays[f"grad:weight_{number}"] = weight.value.grad.numpy()
    return arrays


def main() -> None:
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(20)
    FOLDER.mkdir(exist_ok=True)
    whole = {"return_sequences": True, "dtype": "float64"}
    layers = {
        "rnn": keras.layers.SimpleRNN(n, **whole),
        "lstm": keras.layers.LSTM(n, **whole),
        "gru": keras.layers.GRU(n, **whole),
        "gru_reset_before": keras.layers.GRU(n, reset_after=False, **whole),
        "bilstm": keras.layers.Bidirectional(keras.layers.LSTM(n, **whole)),
    }
    for name, layer in layers.items():
        path = FOLDER / f"keras_{name}.npz"
        np.savez_compressed(path, **record(layer, rng))
        print(path.relative_to(FOLDER.parent.parent), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
