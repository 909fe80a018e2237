"""Numbers and verdicts in words: two significant digits, thin spaces, a true minus.

Text is HTML with ``<sup>``, ``<sub>`` and ``<i>`` alone, which pages and plotly both draw; `plain` turns any
of it into text for a screen reader, a file name or a terminal.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from html import unescape
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradprod.i18n import gettext as _
from gradprod.i18n import ngettext

MINUS = "\u2212"
THIN = "\u202f"
GLYPHS = {"vanishes": "▼", "holds": "■", "explodes": "▲"}
"""The sign that stands with each verdict's colour."""

_SUPERSCRIPT = str.maketrans("0123456789+-" + MINUS, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


class _Product(Protocol):
    @property
    def log10(self) -> NDArray[np.float64]: ...


class _Readouts(Protocol):
    """What a verdict is said from: see `gradprod.analysis.readouts`."""

    @property
    def verdict(self) -> Any: ...
    @property
    def rate(self) -> Any: ...
    @property
    def left_log10(self) -> Any: ...
    @property
    def peak_log10(self) -> Any: ...
    @property
    def peak_lag(self) -> Any: ...
    @property
    def power_law(self) -> Any: ...
    @property
    def power(self) -> Any: ...


# ---- numbers ----


def grouped(n: float, /) -> str:
    """A whole number with thin spaces between thousands: 10 000."""
    return f"{round(n):,}".replace(",", THIN).replace("-", MINUS)


def two_digits(x: float, /) -> str:
    """A number to two significant digits, without trailing zeros: 0.052, 3.1, 28 000."""
    if not math.isfinite(x):
        return "–" if math.isnan(x) else "∞" if x > 0 else f"{MINUS}∞"
    rounded = Decimal(f"{x:.1e}")
    if abs(rounded) >= 10 or rounded == 0:
        return grouped(float(rounded))
    return f"{rounded.normalize():f}".replace("-", MINUS)


def decimals(x: float, places: int = 2, /) -> str:
    """A number as a reader would type it: at most `places` decimals, no trailing zeros, a true minus."""
    text = f"{x:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text.replace("-", MINUS)


def power(exponent: float, /) -> str:
    """A power of ten, the exponent rounded: 10⁻¹²."""
    return f"10<sup>{str(round(exponent)).replace('-', MINUS)}</sup>"


def number(log10: float, /, *, sign: float = 1) -> str:
    """The number ±10^`log10`: 0.62, 400, 8.3·10⁻¹⁷, 10⁻²³¹⁰, and 0 for −inf.

    Parameters
    ----------
    log10 : float
        log₁₀ of the magnitude.
    sign : float, optional
        Negative for a number below zero.
    """
    if math.isnan(log10):
        return "–"
    if log10 == -math.inf or sign == 0:
        return "0"
    minus = MINUS if sign < 0 else ""
    if log10 == math.inf:
        return f"{minus}∞"
    if -2.5 < log10 < 3.995:
        return minus + two_digits(10.0**log10)
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.1f}"
    if mantissa == "10.0":
        mantissa, exponent = "1.0", exponent + 1
    return minus + (power(log10) if abs(exponent) > 999 else f"{mantissa}·{power(exponent)}")


def value(x: float, /) -> str:
    """Any ordinary number in the same words as `number`."""
    return number(math.log10(abs(x)) if x else -math.inf, sign=math.copysign(1, x))


def factor(x: float, /) -> str:
    """A factor per step, with two digits of its distance from 1: 0.62, 0.9995, 1.0012."""
    gap = abs(abs(x) - 1)
    if not 1e-12 < gap < 0.1:
        return "1" if gap <= 1e-12 and x > 0 else value(x)
    return decimals(x, 1 - math.floor(math.log10(gap)))


def percent(share: float, /) -> str:
    """A share as whole percents, never rounded to none or all: “< 1 %”, “94 %”, “> 99 %”."""
    if 0 < share < 0.005:
        return "&lt; 1 %"
    if 0.995 < share < 1:
        return "&gt; 99 %"
    return f"{round(100 * share)} %"


def tick(exponent: float, /) -> str:
    """The label of a power of ten on an axis: 10⁻⁵, 0.1, 1, 10."""
    return {-1: "0.1", 0: "1", 1: "10"}.get(round(exponent)) or power(exponent)


def steps(n: float, /) -> str:
    """A number of steps with its unit: 1 step, 3.1 steps, 10 000 steps."""
    whole = n == round(n)
    shown = grouped(n) if whole else two_digits(n)
    return ngettext("{n} step", "{n} steps", 1 if shown == "1" else n if whole else 0.5, n=shown)


def plain(html: str, /) -> str:
    """HTML of this module as plain text: 10⁻¹², W_s, c_(t−1)."""
    text = html
    for tag, mark in (("sub", "_"), ("sup", "^")):  # unbraced, c_t−1 would be 1 less than c_t
        text = re.sub(rf"<{tag}>((?:<[^/>]+>)?\w+(?:</\w+>)? ?[−+].*?)</{tag}>", rf"{mark}(\1)", text)
    text = re.sub(r"<sup>([0-9+\-−]+)</sup>", lambda m: m[1].translate(_SUPERSCRIPT), text)
    text = re.sub(r"<sup>", "^", re.sub(r"<sub>", "_", text))
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"<br>", " ", text)))


# ---- what is left ----


def left_in_words(log10: float, /) -> str:
    """What is left of a gradient, as a clause: “1 part in 28 000 is left”.

    Above 1/1000 in per cent, down to 10⁻⁶ as one part in a number, beyond as a power of ten; growth as
    “it is … times as large”.
    """
    if log10 == -math.inf:
        return _("exactly nothing is left")
    if abs(log10) < 0.005:
        return _("all of it is left")
    if log10 < -6:
        return _("1 part in {n} is left", n=power(-log10))
    if log10 < -3:
        return _("1 part in {n} is left", n=two_digits(10.0**-log10))
    if log10 < 0:
        return _("{n} % is left", n=two_digits(100 * 10.0**log10))
    return _("it is {n} times as large", n=_times(log10))


def _times(log10: float) -> str:
    """How many times as large, with two digits of what came on top: 1.02, 2, 400, 10⁹."""
    return factor(10.0**log10) if log10 < 1 else two_digits(10.0**log10) if log10 < 6 else power(log10)


def guess_in_words(log10: float, /) -> str:
    """A prediction in words while its slider moves: “10⁹ times as large”, “0.1: 10 % is left”.

    With the number that `prediction_sentence` will say it was.
    """
    said = tick(log10)
    if log10 < 0.5:
        return _("{n}: {left}", n=said, left=left_in_words(log10))
    return _("{n} times as large", n=said)


def prediction_sentence(guess: float, exact: float, /) -> str:
    """The prediction beside what it is: “You said 10⁹; it is 10⁻¹²: 21 powers of ten lower.”

    Parameters
    ----------
    guess, exact : float
        log₁₀ of both magnitudes; `exact` may be −inf.
    """
    said = tick(guess)
    if exact == -math.inf:
        return _("You said {a}; it is exactly 0.", a=said)
    gap = round(abs(guess - exact))
    if gap == 0:
        return _("You said {a}, and {b} it is.", a=said, b=tick(exact))
    lower, higher = (
        ngettext(
            "You said {a}; it is {b}: {n} power of ten lower.",
            "You said {a}; it is {b}: {n} powers of ten lower.",
            gap,
            a=said,
            b=tick(exact),
            n=grouped(gap),
        ),
        ngettext(
            "You said {a}; it is {b}: {n} power of ten higher.",
            "You said {a}; it is {b}: {n} powers of ten higher.",
            gap,
            a=said,
            b=tick(exact),
            n=grouped(gap),
        ),
    )
    return lower if exact < guess else higher


# ---- the verdict ----


def verdict_name(verdict: str, /) -> str:
    """The verdict as the chip says it: Vanishes, Holds, Explodes."""
    return {"vanishes": _("Vanishes"), "holds": _("Holds"), "explodes": _("Explodes")}[verdict]


def regime_name(verdict: str, /) -> str:
    """The verdict as a picture names it inside: vanishes, holds, explodes."""
    return {"vanishes": _("vanishes"), "holds": _("holds"), "explodes": _("explodes")}[verdict]


def rule_sentence() -> str:
    """The rule that gives the verdict, printed beside it."""
    return _("Rule: it holds if the product at the longest lag is between 1/10 and 10.")


def verdict_sentence(readouts: _Readouts, product: _Product, /) -> str:
    """The verdict as one sentence of two clauses: how it goes, and what is left in the end.

    Parameters
    ----------
    readouts : gradprod.analysis.readouts.Readouts
        Of one product, without leading axes.
    product : gradprod.products.LogProduct
        The product itself; its length and its exact zeros are read from it.
    """
    log10 = product.log10
    length = log10.shape[-1] - 1
    if log10[-1] == -math.inf:
        last = int(np.flatnonzero(log10 > -math.inf)[-1])
        return _("A factor is exactly 0: nothing passes beyond lag {n}.", n=grouped(last))
    course = _course(readouts, length)
    left = left_in_words(float(readouts.left_log10))
    if course is None:
        return _("After {steps} {left}.", steps=steps(length), left=left)
    return _("{course}; after {steps} {left}.", course=course, steps=steps(length), left=left)


def _course(readouts: _Readouts, length: int) -> str | None:
    """The first clause: the course that the product takes."""
    verdict = str(readouts.verdict)
    rate = float(readouts.rate) / math.log(10)
    peak, at = float(readouts.peak_log10), grouped(int(readouts.peak_lag))
    risen = peak > 1 and int(readouts.peak_lag) < length
    if verdict == "holds":
        if risen:
            return _("Grows to {n} at lag {lag}, then comes back", n=number(peak), lag=at)
        return _("Stays within a factor of ten")
    if verdict == "vanishes" and risen:
        return _("Grows to {n} at lag {lag}, then vanishes", n=number(peak), lag=at)
    if length < 2 or not math.isfinite(rate):
        return None
    if bool(readouts.power_law):
        power_of_lag = f"lag<sup>{two_digits(float(readouts.power))}</sup>"
        if verdict == "vanishes":
            return _("Falls ever more slowly, like {power}", power=power_of_lag)
        return _("Grows ever more slowly, like {power}", power=power_of_lag)
    # the rate is fitted over the later half of the lags: it may run against the verdict
    if verdict == "explodes" and rate <= 0:
        return _("Grows to {n} at lag {lag}, then falls", n=number(peak), lag=at)
    if verdict == "vanishes" and rate >= 0:
        return _("Falls at first and then no more")
    fast = abs(rate) >= 1.05  # below, the number said is 1
    n = two_digits(abs(rate) if fast else max(1.0, 1 / abs(rate)))
    if verdict == "vanishes":
        if fast:
            return _("Falls by {n} powers of ten every step", n=n)
        return ngettext(
            "Falls tenfold every step", "Falls tenfold every {n} steps", 1 if n == "1" else 2, n=n
        )
    if fast:
        return _("Grows by {n} powers of ten every step", n=n)
    return ngettext("Grows tenfold every step", "Grows tenfold every {n} steps", 1 if n == "1" else 2, n=n)
