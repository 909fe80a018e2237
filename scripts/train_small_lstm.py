"""Train a small LSTM on the yearly sunspot numbers and store its weights in the package.

Run once, where PyTorch is installed (about a minute):

    python scripts/train_small_lstm.py

Four units read the standardised series and predict the next year. The gradient sees the years to
1908, the fifty years to 1958 choose when to stop, and the fifty years to 2008 judge. The file holds
PyTorch's own names: ``weight_ih_l0`` …, ``readout.weight``, ``readout.bias``.
"""

from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).parent.parent / "src" / "gradprod" / "inputs" / "data"
UNITS, STEPS = 4, 1500
FIT, CHOOSE, JUDGE = slice(0, 208), slice(208, 258), slice(258, 308)  # by the year that predicts


def main() -> None:
    numbers = np.loadtxt(DATA / "sunspots.csv", delimiter=",", comments="#", skiprows=3)[:, 1]
    series = torch.tensor((numbers - numbers.mean()) / numbers.std())[:, None]
    torch.manual_seed(1)
    lstm = torch.nn.LSTM(1, UNITS, dtype=torch.float64)
    readout = torch.nn.Linear(UNITS, 1, dtype=torch.float64)
    parameters = [*lstm.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=0.01)
    best, kept = np.inf, {}
    for _ in range(STEPS):
        squares = (readout(lstm(series[:-1])[0]) - series[1:]) ** 2
        chosen = squares[CHOOSE].mean().item()
        if chosen < best:
            best, judged = chosen, squares[JUDGE].mean().item()
            weights = lstm.state_dict() | {f"readout.{k}": v for k, v in readout.state_dict().items()}
            kept = {name: value.numpy().copy() for name, value in weights.items()}
        optimiser.zero_grad()
        squares[FIT].mean().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
    path = DATA / "sunspot_lstm.npz"
    np.savez_compressed(path, **kept)
    same = ((series[1:] - series[:-1]) ** 2)[JUDGE].mean().item()
    print(f"mean squared error 1959-2008: {judged:.3f}; saying 'same as last year': {same:.3f}")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
