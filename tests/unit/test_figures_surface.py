"""The gate surface: its level lines lie on the level, the path and the strip are the run."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.surface import Path, gate_surface, gate_surface_solid, level_line
from gradprod.figures.theme import Style
from gradprod.words import plain

X, Y = np.linspace(-4, 4, 161), np.linspace(-6, 6, 161)


def sech2(x):
    return 1 / np.cosh(x) ** 2


def sigma(y):
    return 1 / (1 + np.exp(-y))


Z = sigma(Y)[:, None] * sech2(X)
STYLES = [Style(), Style("dark", 340, 300, touch=True), Style(width=860, height=550, presenting=True)]


def run(length, reach=2.0):
    t = np.arange(length)
    x, y = reach * np.sin(t / 3), 2 + 1.5 * np.cos(t / 3)
    return Path(x=x, y=y, z=sech2(x) * sigma(y))


def traces(figure, uid):
    return [t for t in figure["data"] if t["uid"].startswith(uid)]


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"].get("annotations", ())]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("length", [0, 1, 50, 401, 10_000])
def test_every_surface_is_a_plotly_figure(length, style):
    path = run(length) if length else None
    assert go.Figure(gate_surface(X, Y, Z, style, path=path)).data[0].type == "heatmap"
    assert go.Figure(gate_surface_solid(X, Y, Z, style, path=path)).data[0].type == "surface"


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_level_lines_lie_on_their_level(level):
    x, y = level_line(X, Y, Z, level)
    kept = np.isfinite(x) & np.isfinite(y)
    assert kept.sum() > 40
    np.testing.assert_allclose(sech2(x[kept]) * sigma(y[kept]), level, rtol=0.01)
    # the lowest point is on the ridge x = 0, where σ(y) = level
    assert y[kept].min() == pytest.approx(np.log(level / (1 - level)), abs=0.01)


def test_a_level_that_is_reached_nowhere_has_no_line():
    assert level_line(X, Y, 0.05 * Z, 0.1)[0].size == 0
    assert level_line(X, Y, np.ones_like(Z), 0.9)[0].size == 0


def test_a_flat_surface_has_straight_levels():
    flat = np.tile(0.9 * sech2(X), (161, 1))
    x, _y = level_line(X, Y, flat, 0.1)
    half = np.arccosh(np.sqrt(9))
    np.testing.assert_allclose(np.abs(x[np.isfinite(x)]), half, rtol=1e-3)


def test_with_a_linear_state_the_levels_are_heights():
    x, y = level_line(X, Y, np.tile(sigma(Y)[:, None], (1, 161)), 0.9)
    np.testing.assert_allclose(x, [-4, 4])
    np.testing.assert_allclose(y, np.log(9), atol=1e-3)


def test_a_gate_that_falls_closes_its_levels_above():
    x, y = level_line(X, Y, Z[::-1], 0.5)
    assert np.nanmax(y) == pytest.approx(0, abs=0.01)
    assert abs(x[np.nanargmax(y)]) < 0.06


def test_levels_are_named_and_dashed():
    figure = gate_surface(X, Y, Z, Style(width=900), low=0.2, high=0.7)
    assert texts(figure).count("Z = 0.2") == 2
    assert "Z = 0.7" in texts(figure)
    assert {t["line"]["dash"] for t in traces(figure, "level")} == {"7px,5px"}


def test_the_path_is_the_run_and_its_ends_are_named():
    path = run(50)
    figure = gate_surface(X, Y, Z, Style(), path=path)
    (line,) = traces(figure, "path")[1:2]
    np.testing.assert_array_equal(line["x"], path.x)
    np.testing.assert_array_equal(line["y"], path.y)
    assert plain(line["text"][7]) == f"step 8 Z = {path.z[7]:.3f}"
    (ends,) = traces(figure, "path-ends")
    np.testing.assert_array_equal(ends["x"], path.x[[0, -1]])
    assert ends["marker"]["symbol"] == ["square", "diamond"]
    assert {"step 1", "step 50"} <= set(texts(figure))


def test_a_long_run_is_drawn_at_every_place_once():
    figure = gate_surface(X, Y, Z, Style(), path=run(10_000))
    ground, dots = traces(figure, "path")[:2]
    assert dots["mode"] == ground["mode"] == "markers"
    assert 20 < len(dots["x"]) < 1000


@pytest.mark.parametrize("length", [1, 50, 500])
def test_the_strip_is_z_at_every_step(length):
    path = run(length)
    (strip,) = traces(gate_surface(X, Y, Z, Style(), path=path), "strip")
    np.testing.assert_allclose(strip["z"], path.z[None, :], rtol=1e-15)


def test_a_long_strip_keeps_the_least_and_the_greatest():
    path = run(10_000)
    path.z[1234] = 0.0
    figure = gate_surface(X, Y, Z, Style(), path=path)
    (strip,) = traces(figure, "strip")
    assert strip["z"].shape[0] == 2
    assert strip["z"][0].min() == 0
    assert strip["z"][1].max() == path.z.max()
    assert "Z along the run: greatest above, least below" in texts(figure)


def test_without_a_path_nothing_of_the_run_is_seen():
    figure = gate_surface(X, Y, Z, Style())
    assert [t["uid"] for t in figure["data"]] == ["surface", "level-low", "level-high"]
    assert not any("step" in text for text in texts(figure))


def test_a_surface_above_one_says_so():
    figure = gate_surface(X, Y, 3 * Z, Style())
    assert figure["data"][0]["colorbar"]["ticktext"][-1] == "≥ 1"


def test_pinned_runs_are_hollow_each_in_its_own_shape_and_named():
    pins = [run(20, reach=1.0), run(30, reach=3.0), run(10_000)]
    figure = gate_surface(X, Y, Z, Style(), path=run(50), pins=pins)
    rings = [t for t in traces(figure, "pin-") if "ground" not in t["uid"]]
    assert [t["marker"]["symbol"] for t in rings] == ["circle-open", "square-open", "diamond-open"]
    assert set(rings[0]["x"]) <= set(pins[0].x)
    assert len(rings[0]["x"]) == 20
    assert len(rings[2]["x"]) < 1000
    assert all(t["mode"] == "markers" and t["opacity"] < 1 for t in rings)
    assert "○ □ ◇ pinned" in texts(figure)
    solid = gate_surface_solid(X, Y, Z, Style(), path=run(50), pins=pins)
    np.testing.assert_array_equal(traces(solid, "pin-0")[0]["x"], pins[0].x)
    go.Figure(solid)


@pytest.mark.parametrize("style", STYLES)
def test_pins_are_seen_where_the_path_is(style):
    go.Figure(gate_surface(X, Y, Z, style, path=run(1), pins=[run(1), run(50)]))
    for figure in (
        gate_surface(X, Y, Z, style, pins=[run(9)]),
        gate_surface_solid(X, Y, Z, style, pins=[run(9)]),
    ):
        assert not traces(figure, "pin")
        assert not any("pinned" in text for text in texts(figure))
