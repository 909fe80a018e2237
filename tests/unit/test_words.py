"""Numbers in words: two digits, thin spaces, a true minus; the verdict as a sentence of two clauses."""

import re
from dataclasses import dataclass, replace
from math import inf, log, log10, nan

import numpy as np
import pytest

from gradprod import words


def thin(text):
    """The same text with thin spaces between thousands."""
    return re.sub(r"(?<=\d) (?=\d{3})", "\u202f", text)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.95, "0.95"),
        (0.0523, "0.052"),
        (3.1, "3.1"),
        (3.0, "3"),
        (9.96, "10"),
        (12.4, "12"),
        (99.6, "100"),
        (27_777, "28 000"),
        (1_000_000, "1 000 000"),
        (0, "0"),
        (-2.25, "−2.2"),
        (inf, "∞"),
        (-inf, "−∞"),
        (nan, "–"),
    ],
)
def test_two_digits(x, text):
    assert words.two_digits(x) == thin(text)


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0"), (999, "999"), (1000, "1 000"), (10_000, "10 000"), (-1234567, "−1 234 567")]
)
def test_grouped(n, text):
    assert words.grouped(n) == thin(text)


@pytest.mark.parametrize(
    ("exponent", "sign", "html", "text"),
    [
        (log10(8.3e-17), 1, "8.3·10<sup>−17</sup>", "8.3·10⁻¹⁷"),
        (log10(1.7e-12), -1, "−1.7·10<sup>−12</sup>", "−1.7·10⁻¹²"),
        (log10(0.62), 1, "0.62", "0.62"),
        (log10(0.0052), 1, "0.0052", "0.0052"),
        (log10(401), 1, "400", "400"),
        (log10(40100), 1, "4.0·10<sup>4</sup>", "4.0·10⁴"),
        (log10(9.97e8), 1, "1.0·10<sup>9</sup>", "1.0·10⁹"),
        (-2310.2, 1, "10<sup>−2310</sup>", "10⁻²³¹⁰"),
        (0, 1, "1", "1"),
        (-inf, 1, "0", "0"),
        (inf, -1, "−∞", "−∞"),
        (nan, 1, "–", "–"),
    ],
)
def test_number(exponent, sign, html, text):
    assert words.number(exponent, sign=sign) == html
    assert words.plain(html) == text


def test_value_of_an_ordinary_number():
    assert words.value(-0.00034) == "−3.4·10<sup>−4</sup>"
    assert words.value(0) == "0"


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.62, "0.62"),
        (0.95, "0.95"),
        (0.9995, "0.9995"),
        (1.0012, "1.0012"),
        (1, "1"),
        (-1.2, "−1.2"),
        (0, "0"),
    ],
)
def test_a_factor_keeps_its_distance_from_one(x, text):
    assert words.factor(x) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.944, "94 %"), (0.999, "> 99 %"), (1, "100 %")],
)
def test_percent(share, text):
    assert words.plain(words.percent(share)) == text


@pytest.mark.parametrize(("x", "text"), [(-5, "10⁻⁵"), (-1, "0.1"), (0, "1"), (1, "10"), (20, "10²⁰")])
def test_tick(x, text):
    assert words.plain(words.tick(x)) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [(1, "1 step"), (1.04, "1 step"), (3.14, "3.1 steps"), (0, "0 steps"), (10_000, "10 000 steps")],
)
def test_steps(n, text):
    assert words.steps(n) == thin(text)


@pytest.mark.parametrize(
    ("x", "text"), [(1.5, "1.5"), (-0.0, "0"), (-0.25, "−0.25"), (2.0, "2"), (100.0, "100")]
)
def test_decimals(x, text):
    assert words.decimals(x) == text


def test_plain_writes_symbols_that_a_screen_reader_says():
    assert words.plain("(γ|<i>W<sub>s</sub></i>|)<sup>lag</sup>") == "(γ|W_s|)^lag"
    assert words.plain("&lt; 1 %<br>") == "< 1 % "
    assert words.plain("∂<i>c<sub>t</sub></i>/∂<i>c<sub>t−1</sub></i>") == "∂c_t/∂c_(t−1)"
    assert words.plain("<i>W<sup>t−k</sup></i> ∏") == "W^(t−k) ∏"
    assert words.plain("∂<i>h</i><sub><i>t</i>−1</sub>") == "∂h_(t−1)"


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (log10(0.23), "23 % is left"),
        (log10(0.0052), "0.52 % is left"),
        (log10(1 / 27_777), "1 part in 28 000 is left"),
        (log10(8.3e-17), "1 part in 10¹⁶ is left"),
        (0, "all of it is left"),
        (log10(1.023), "it is 1.023 times as large"),
        (log10(1.6), "it is 1.6 times as large"),
        (log10(9.97), "it is 10 times as large"),
        (log10(401), "it is 400 times as large"),
        (9.1, "it is 10⁹ times as large"),
        (-inf, "exactly nothing is left"),
    ],
)
def test_left_in_words(exponent, text):
    assert words.plain(words.left_in_words(exponent)) == thin(text)


def test_guess_in_words():
    assert words.plain(words.guess_in_words(9)) == "10⁹ times as large"
    assert words.plain(words.guess_in_words(-12)) == "10⁻¹²: 1 part in 10¹² is left"
    assert words.guess_in_words(-1) == "0.1: 10 % is left"
    assert words.guess_in_words(0) == "1: all of it is left"


@pytest.mark.parametrize("guess", [-40, -7, -3, -1, 0, 1, 3, 9])
def test_the_answer_says_the_guess_in_the_slider_s_words(guess):
    said = re.split(r": | times", words.guess_in_words(guess))[0]
    assert f"You said {said};" in words.prediction_sentence(guess, 100)


@pytest.mark.parametrize(
    ("guess", "exact", "text"),
    [
        (9, -11.8, "You said 10⁹; it is 10⁻¹²: 21 powers of ten lower."),
        (-3, 9.1, "You said 10⁻³; it is 10⁹: 12 powers of ten higher."),
        (0, 1.2, "You said 1; it is 10: 1 power of ten higher."),
        (-1, -0.1, "You said 0.1; it is 1: 1 power of ten higher."),
        (0, 0.2, "You said 1, and 1 it is."),
        (4, 4.2, "You said 10⁴, and 10⁴ it is."),
        (4, -inf, "You said 10⁴; it is exactly 0."),
    ],
)
def test_prediction_sentence(guess, exact, text):
    assert words.plain(words.prediction_sentence(guess, exact)) == text


@dataclass(frozen=True, kw_only=True)
class Readouts:
    verdict: str = "vanishes"
    rate: float = -log(10) / 3.1
    left_log10: float = log10(8.3e-17)
    peak_log10: float = 0.0
    peak_lag: int = 0
    power_law: bool = False
    power: float = nan


@dataclass(frozen=True, kw_only=True)
class Product:
    log10: np.ndarray


FIFTY = Product(log10=np.zeros(51))
GROWS = {"verdict": "explodes", "left_log10": 9.1, "peak_log10": 9.1, "peak_lag": 50}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Falls tenfold every 3.1 steps; after 50 steps 1 part in 10¹⁶ is left."),
        ({"rate": -0.999 * log(10)}, "Falls tenfold every step; after 50 steps 1 part in 10¹⁶ is left."),
        ({"rate": -1.049 * log(10)}, "Falls tenfold every step; after 50 steps 1 part in 10¹⁶ is left."),
        (
            {"rate": -1.051 * log(10)},
            "Falls by 1.1 powers of ten every step; after 50 steps 1 part in 10¹⁶ is left.",
        ),
        (
            GROWS | {"rate": 1.02 * log(10)},
            "Grows tenfold every step; after 50 steps it is 10⁹ times as large.",
        ),
        (
            {"rate": -2.2 * log(10)},
            "Falls by 2.2 powers of ten every step; after 50 steps 1 part in 10¹⁶ is left.",
        ),
        (
            GROWS | {"rate": log(10) / 5.5},
            "Grows tenfold every 5.5 steps; after 50 steps it is 10⁹ times as large.",
        ),
        (
            GROWS | {"rate": 1.5 * log(10)},
            "Grows by 1.5 powers of ten every step; after 50 steps it is 10⁹ times as large.",
        ),
        (
            GROWS | {"rate": -0.1, "peak_log10": 12.0, "peak_lag": 30},
            "Grows to 1.0·10¹² at lag 30, then falls; after 50 steps it is 10⁹ times as large.",
        ),
        (
            {"peak_log10": log10(401), "peak_lag": 5},
            "Grows to 400 at lag 5, then vanishes; after 50 steps 1 part in 10¹⁶ is left.",
        ),
        (
            {"verdict": "holds", "left_log10": 0.0, "rate": 0.0},
            "Stays within a factor of ten; after 50 steps all of it is left.",
        ),
        (
            {"verdict": "holds", "left_log10": 0.3, "rate": -0.5, "peak_log10": 1.5, "peak_lag": 12},
            "Grows to 32 at lag 12, then comes back; after 50 steps it is 2 times as large.",
        ),
        (
            {"power_law": True, "power": -1.49, "rate": -0.02, "left_log10": -2.5},
            "Falls ever more slowly, like lag^−1.5; after 50 steps 0.32 % is left.",
        ),
        ({"rate": 0.1, "left_log10": -2.0}, "Falls at first and then no more; after 50 steps 1 % is left."),
        ({"rate": nan, "left_log10": -2.0}, "After 50 steps 1 % is left."),
    ],
)
def test_verdict_sentence(changes, text):
    assert words.plain(words.verdict_sentence(replace(Readouts(), **changes), FIFTY)) == text


def test_verdict_sentence_after_one_step():
    one = Product(log10=np.array([0.0, -2.0]))
    assert words.verdict_sentence(Readouts(left_log10=-2.0), one) == "After 1 step 1 % is left."


def test_an_exact_zero_is_said_with_the_last_lag_that_passes():
    shut = Product(log10=np.array([0.0, -0.2, -0.4, -inf, -inf]))
    sentence = words.verdict_sentence(Readouts(left_log10=-inf, rate=nan), shut)
    assert sentence == "A factor is exactly 0: nothing passes beyond lag 2."


def test_verdicts_have_a_name_and_a_sign():
    assert [words.verdict_name(v) for v in words.GLYPHS] == ["Vanishes", "Holds", "Explodes"]
    assert [words.regime_name(v) for v in words.GLYPHS] == ["vanishes", "holds", "explodes"]
    assert words.rule_sentence() == "Rule: it holds if the product at the longest lag is between 1/10 and 10."
