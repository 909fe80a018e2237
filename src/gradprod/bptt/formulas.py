"""The terms of a scalar cell's gradient as LaTeX."""

from typing import NamedTuple

from gradprod.cells import Cell, GatedCell, ScalarRNN


class Formula(NamedTuple):
    """One term in LaTeX, its three factors apart; ``str`` joins them, and one that is 1 is empty."""

    error_signal: str
    product: str
    immediate: str

    def __str__(self) -> str:
        return r"\, ".join(factor for factor in self if factor)


def term_formula(cell: Cell, parameter: str, step: int, source: int | None = None) -> Formula:
    r"""The term of ∂L_t/∂θ at one source step, as LaTeX.

    Parameters
    ----------
    cell : ScalarRNN or GatedCell
        Its activation decides which slopes are written: the linear cell has none, and W_s^{t−k}.
    parameter : str
        A parameter of the cell, ``"readout_weight"`` or ``"readout_bias"``.
    step : int
        t.
    source : int, optional
        k, from 1 to t; t by default. Where θ acts on the output alone there is no other.

    Returns
    -------
    Formula
        For the linear cell, W_x, t = 3 and k = 1: ``(O_3 - Y_3)\, W_o\, W_s^{2}\, X_1``.

    Raises
    ------
    ValueError
        If the cell or the parameter has no formula here, or source isn't from 1 to t.
    """
    if not isinstance(cell, ScalarRNN | GatedCell):
        raise ValueError(f"formulas are known for ScalarRNN and GatedCell, got {type(cell).__name__}")
    t, k = step, step if source is None else source
    if not 1 <= k <= t:
        raise ValueError(f"source must be a step from 1 to {t}, got {k!r}")

    def at(letter: str, j: int) -> str:
        return f"{letter}_{j}" if 0 <= j < 10 else f"{letter}_{{{j}}}"

    def slope(j: int) -> str:
        names = {"linear": "", "tanh": r"\tanh'", "sigmoid": r"\sigma'"}
        return names[cell.phi.name] and f"{names[cell.phi.name]}({at('u', j)})"

    def gate(letter: str, j: int) -> str:
        return f"{at(letter, j)}(1 - {at(letter, j)})"

    def join(*factors: str) -> str:
        return r"\, ".join(factor for factor in factors if factor)

    error = f"({at('O', t)} - {at('Y', t)})"
    gated = isinstance(cell, GatedCell)
    hidden = join(at("o", t), at("S", t)) if gated else at("S", t)
    on_output = {"readout_weight": (error, hidden), "readout_bias": (error, "")}
    if gated:
        on_output |= {
            "output_gate_weight": (join(error, "W_o"), join(gate("o", t), at("X", t), at("S", t))),
            "output_gate_bias": (join(error, "W_o"), join(gate("o", t), at("S", t))),
        }
        by_state = {
            "forget_weight": join(gate("f", k), at("X", k), at("S", k - 1)),
            "forget_bias": join(gate("f", k), at("S", k - 1)),
            "input_gate_weight": join(gate("i", k), at("X", k) + "^2"),
            "input_gate_bias": join(gate("i", k), at("X", k)),
        }
    else:
        by_state = {"input_weight": at("X", k), "recurrent_weight": at("S", k - 1), "bias": ""}
    if parameter in on_output:
        if k != t:
            raise ValueError(f"{parameter} acts on the output alone, so source must be {t}, got {k}")
        return Formula(on_output[parameter][0], "", on_output[parameter][1])
    if parameter not in by_state:
        known = ", ".join([*by_state, *on_output])
        raise ValueError(f"parameter must be one of {known}, got {parameter!r}")
    if cell.phi.name == "linear" and not gated:
        product = {0: "", 1: "W_s"}.get(t - k, f"W_s^{{{t - k}}}")
    else:
        product = join(*(join(slope(j), at("f", j) if gated else "W_s") for j in range(t, k, -1)))
    return Formula(
        join(error, "W_o", at("o", t) if gated else ""), product, join(slope(k), by_state[parameter])
    )
