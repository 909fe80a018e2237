"""Write tests/fixtures/torch_*.npz: PyTorch's own RNN, LSTM and GRU, with their outputs and gradients.

Run once, where PyTorch is installed; the tests need the files alone:

    python scripts/make_torch_fixtures.py

Everything is float64, one layer, batch of one. In each file:

- the module's ``state_dict`` under its own names;
- ``inputs`` (T, m), ``h_0`` (n,), and ``c_0`` for the LSTM; ``_reverse`` appended for the way back;
- ``outputs`` (T, n or 2n), ``h_n``, ``c_n``;
- ``probe`` (T, n or 2n) and ``grad:<name>``, the gradients of Σ probe · outputs;
- ``jacobian`` (S, S) of the last state over state_0, S = n, or 2n as (h, c);
- LSTM: ``dc_dc`` (n, n), what torch.autograd.grad(c_T, c_1) gives through a loop of LSTMCell.
"""

from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent.parent / "tests" / "fixtures"
n, m, T = 3, 2, 6


def draw_module(kind: type[torch.nn.RNNBase], **options: object) -> torch.nn.RNNBase:
    module = kind(m, n, dtype=torch.float64, **options)
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(0.0, 0.7)
    return module


def gradients(output: torch.Tensor, at: torch.Tensor) -> np.ndarray:
    """∂output/∂at, row by row."""
    rows = [torch.autograd.grad(y, at, retain_graph=True)[0].flatten() for y in output.flatten()]
    return torch.stack(rows).numpy()


def record(module: torch.nn.RNNBase) -> dict[str, np.ndarray]:
    ways = 2 if module.bidirectional else 1
    is_lstm = isinstance(module, torch.nn.LSTM)
    inputs = torch.randn(T, m, dtype=torch.float64, requires_grad=True)
    h_0 = torch.randn(ways, n, dtype=torch.float64, requires_grad=True)
    c_0 = torch.randn(ways, n, dtype=torch.float64, requires_grad=True)
    outputs, last = module(inputs, (h_0, c_0) if is_lstm else h_0)
    probe = torch.randn_like(outputs)
    (probe * outputs).sum().backward(retain_graph=True)

    arrays = {name: value.detach() for name, value in module.state_dict().items()}
    arrays |= {"inputs": inputs, "outputs": outputs, "probe": probe, "grad:inputs": inputs.grad}
    arrays |= {f"grad:{name}": weight.grad for name, weight in module.named_parameters()}
    initial = {"h_0": h_0} | ({"c_0": c_0} if is_lstm else {})
    final = {"h_n": last[0], "c_n": last[1]} if is_lstm else {"h_n": last}
    for way, ending in enumerate(["", "_reverse"][:ways]):
        arrays |= {name + ending: value[way] for name, value in (initial | final).items()}
        arrays |= {f"grad:{name}{ending}": value.grad[way] for name, value in initial.items()}
    record = {name: value.detach().numpy() for name, value in arrays.items()}
    if ways == 1:
        record["jacobian"] = np.block(
            [[gradients(end, start) for start in initial.values()] for end in final.values()]
        )
    return record


def cell_loop(module: torch.nn.LSTM, inputs: np.ndarray, h: np.ndarray, c: np.ndarray) -> np.ndarray:
    """torch.autograd.grad(c_T, c_1) through a loop of LSTMCell with the module's weights."""
    cell = torch.nn.LSTMCell(m, n, dtype=torch.float64)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in module.state_dict().items()})
    state = torch.tensor(h)[None], torch.tensor(c)[None]
    cells = []
    for x in torch.tensor(inputs):
        state = cell(x[None], state)
        cells.append(state[1])
    return gradients(cells[-1], cells[0])


def main() -> None:
    torch.manual_seed(20)
    FOLDER.mkdir(exist_ok=True)
    modules = {
        "rnn": draw_module(torch.nn.RNN),
        "lstm": draw_module(torch.nn.LSTM),
        "gru": draw_module(torch.nn.GRU),
        "bilstm": draw_module(torch.nn.LSTM, bidirectional=True),
        "gru_without_bias": draw_module(torch.nn.GRU, bias=False),
    }
    for name, module in modules.items():
        arrays = record(module)
        if name == "lstm":
            arrays["dc_dc"] = cell_loop(module, arrays["inputs"], arrays["h_0"], arrays["c_0"])
        path = FOLDER / f"torch_{name}.npz"
        np.savez_compressed(path, **arrays)
        print(path.relative_to(FOLDER.parent.parent), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
