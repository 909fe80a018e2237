"""Lessons 2, 4 and 9: what is pinned stays as it was, beside what comes next."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradprod.explorers import BothDirections, GateSurface, Slopes
from gradprod.figures.theme import Style
from gradprod.inputs import make_input

WIDE = Style(width=900, height=590)


def drawn(model: Any, picture: str, start: str = "pin") -> list[dict[str, Any]]:
    return [t for t in model.pictures(WIDE)[picture]["data"] if t.get("uid", "").startswith(start)]


def places(weight: float, drive: float, x: np.ndarray) -> np.ndarray:
    """u_t of S_t = tanh(weight S_{t−1} + drive x_t), step by step."""
    u: list[float] = []
    for value in x:
        u.append(weight * (math.tanh(u[-1]) if u else 0.0) + drive * value)
    return np.array(u)


@pytest.mark.parametrize("lesson", [Slopes, GateSurface, BothDirections])
def test_three_are_kept_and_a_question_hides_them(lesson: Any) -> None:
    model = lesson()
    before = repr(model.pictures(WIDE))
    for length in (10, 20, 30, 40):
        model.sequence_length = max(length, 20) if lesson is BothDirections else length
        model.input = {10: "sine", 20: "step", 30: "noise", 40: "constant"}[length]
        model.pin()
    assert len(model.pins) == 3
    model.ask()
    hidden = [t.get("name") for f in model.pictures(WIDE).values() for t in f["data"]]
    assert not [name for name in hidden if name and "pinned" in name]
    assert "inned" not in getattr(model, "measured_shares", str)()
    model.commit()
    shown = [t.get("name") for f in model.pictures(WIDE).values() for t in f["data"]]
    assert len({name for name in shown if name and "pinned" in name}) >= 1
    model.unpin()
    model.start_from({})
    assert repr(model.pictures(WIDE)) == before


def test_pinned_places_and_typical_slope_stay() -> None:
    model = Slopes(recurrent_weight=-0.5, input_weight=1.5)
    u = places(-0.5, 1.5, make_input("sine", 50, period=20))
    model.pin()
    model.set(recurrent_weight=0.9, activation="sigmoid", sequence_length=7)
    typical = math.exp(np.mean(np.log(1 / np.cosh(u) ** 2)))
    (line,) = drawn(model, "chart", "pin-slope")
    assert line["y"] == pytest.approx([typical, typical], rel=1e-12)
    (outline,) = drawn(model, "chart", "pin-0")
    centres = outline["x"]
    wide = centres[1] - centres[0]
    inside = [np.mean((u >= x - wide / 2) & (u < x + wide / 2)) for x in centres]
    np.testing.assert_allclose(outline["y"], inside, atol=1e-12)


def test_a_pinned_path_and_its_shares_stay() -> None:
    model = GateSurface(input="constant", sequence_length=4, forget_bias=5.0, forget_weight=1.0)
    y = np.full(4, 6.0)
    model.pin()
    model.set(forget_bias=-5.0, sequence_length=50)
    (ring,) = drawn(model, "chart", "pin-0")
    np.testing.assert_array_equal(ring["y"], y)
    assert ring["x"][0] == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-12)  # i = σ(1), X = 1, S_0 = 0
    assert "○ Pinned, 4 steps" in model.measured_shares()
    # σ(6) tanh′(x) at x = i + σ(6) tanh of the last x: 0.61, 0.23, 0.15, 0.14
    for near, label in (
        ((0.1, 0.9), "near 0 0 %, between 100 %, near 1 0 %"),
        ((0.2, 0.6), "near 0 50 %, between 25 %, near 1 25 %"),
    ):
        model.near = near
        told = model.measured_shares().split("Pinned")[1]
        assert f'aria-label="{label}"' in told.replace("\u00a0", " ")
    model.unpin()
    assert "Pinned" not in model.measured_shares()


def test_a_pinned_row_stays() -> None:
    model = BothDirections(kind="plain", recurrent_weight=0.5, input="zero", sequence_length=12, step=6)
    model.pin()
    model.set(kind="lstm", step=3)
    (line,) = [t for t in drawn(model, "row", "line") if "pinned" in t["name"]]
    assert "input" in model.pictures(WIDE)["row"]["layout"]["xaxis"]["title"]["text"]
    s = np.arange(1, 13)
    # at rest tanh′ is 1: ∂y_6/∂x_s is W_x W_s^|6−s|, twice that at s = 6
    expected = 0.5 * 0.5 ** np.abs(6.0 - s) * np.where(s == 6, 2, 1)
    np.testing.assert_allclose(10 ** line["y"], expected, rtol=1e-9)
    assert "plain, t = 6" in line["name"]
    model.unpin()
    assert not [t for t in drawn(model, "row", "line") if "pinned" in t["name"]]


def test_a_row_over_seeds_is_pinned_as_its_median() -> None:
    model = BothDirections(input="noise", show_band=True)
    model.pin()
    _kind, _step, row = model.pins[0]
    np.testing.assert_array_equal(row, np.median(model.maps_of_seeds[1], axis=0)[19])
