"""Results in words, alike in every lesson: verdict, readouts, tables, terms."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.readouts import Readouts
from gradprod.analysis.surface import Shares
from gradprod.explorers.model import Readout, Table, Verdict, table_lags
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct, magnitudes
from gradprod.words import (
    GLYPHS,
    MINUS,
    THIN,
    factor,
    grouped,
    number,
    percent,
    rule_sentence,
    steps,
    value,
    verdict_name,
    verdict_sentence,
)


def product_verdict(r: Readouts, product: LogProduct) -> Verdict:
    """Chip, sentence and rule for one product."""
    return Verdict(
        kind=r.verdict,
        glyph=GLYPHS[r.verdict],
        name=verdict_name(r.verdict),
        sentence=verdict_sentence(r, product),
        rule=rule_sentence(),
    )


def rate(r: Readouts, name: str = "", sign: float = 1) -> Readout:
    """The factor per step."""
    how = _("least squares on the logarithm, second half of the lags")
    if r.power_law:
        how = _("depends on the window: it falls as a power of the lag")
    value = f"× {factor(sign * r.rate_factor)}" if math.isfinite(r.rate) else "–"
    return Readout(name or _("Rate per step"), value, how)


def half_life(r: Readouts) -> Readout:
    """Steps to a half; where it grows, to the double."""
    if r.rate < -1e-9:
        return Readout(_("Half-life"), steps(r.half_life))
    doubling = _("{steps} to double", steps=steps(math.log(2) / r.rate)) if r.rate > 1e-9 else ""
    return Readout(_("Half-life"), _("none"), doubling)


def memory(r: Readouts, length: int, threshold: float, name: str = "") -> Readout:
    """The longest lag that still counts as remembered."""
    value = _("at least {steps}", steps=steps(length)) if r.memory_at_least else steps(r.effective_memory)
    how = _("longest lag with at least {kept} % left", kept=number(math.log10(threshold) + 2))
    return Readout(name or _("Effective memory"), value, how)


def limits(r: Readouts, product: LogProduct) -> list[Readout]:
    """Where float32 fails, and float64 if it does too."""
    length = product.log10.shape[-1] - 1
    found = [("float32", r.float32_limit_lag)]
    if r.float64_limit_lag is not None:
        found.append(("float64", r.float64_limit_lag))
    rows = []
    for name, lag in found:
        at = r.left_log10 if lag is None else product.log10[lag]
        where = _("not within {steps}", steps=steps(length)) if lag is None else ""
        rows.append(
            Readout(
                _("{name} gives {value}", name=name, value="0" if at <= 0 else "∞"),
                where or _("from lag {n}", n=grouped(lag or 0)),
            )
        )
    return rows


def chaos(horizon: int | None) -> list[Readout]:
    """From which step on rounding decides, if it does."""
    if horizon is None:
        return []
    how = _(
        "from there on a rounding in the last digit has grown to the size of the state: the rate stands, the "
        "digits of what is left do not"
    )
    return [Readout(_("Chaotic run"), _("from step {n}", n=grouped(horizon)), how)]


def signed(product: LogProduct, lag: int = -1) -> str:
    """One entry of a product as a number with its sign."""
    return number(float(product.log10[lag]), sign=float(product.sign[lag]))


def lag_table(columns: Mapping[str, LogProduct | NDArray[np.float64]]) -> Table:
    """Products, or log₁₀ of magnitudes, at the lags that are worth a row; “–” where one has no entry."""
    products = {name: of if isinstance(of, LogProduct) else magnitudes(of) for name, of in columns.items()}

    def entry(p: LogProduct, lag: int) -> str:
        return signed(p, lag) if math.isfinite(p.log10[lag]) or p.sign[lag] == 0 else "–"

    longest = len(next(iter(products.values())).log10) - 1
    rows = [
        [grouped(lag), *(entry(p, lag) for p in products.values())]
        for lag in (table_lags(longest) if longest else [0])
    ]
    return Table([_("lag <i>t − k</i>"), *columns], rows)


def html_table(
    rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), left: int = 0, lit: int | None = None
) -> str:
    """A table in HTML: the text of one column to the left, and the row in focus marked."""

    style = "text-align:left" + (";padding-left:10px" if lit is not None and left == 0 else "")

    def row(cells: Sequence[str], tag: str) -> str:
        aligned = f' style="{style}"'
        return "".join(f"<{tag}{aligned if k == left else ''}>{text}</{tag}>" for k, text in enumerate(cells))

    mark = ' style="box-shadow:inset 4px 0 var(--you)"'
    body = "".join(f"<tr{mark if i == lit else ''}>{row(cells, 'td')}</tr>" for i, cells in enumerate(rows))
    top = f"<tr>{row(head, 'th')}</tr>" if head else ""
    return f'<table style="width:100%">{top}{body}</table>'


def slip(printed: str, better: str, article: str, here: str = "") -> str:
    """A formula as an article prints it and as it should be, with what that makes of numbers here."""
    told = f"✗ {tex_html(_(printed))}<br>✓ {tex_html(_(better))}. {here}"
    return f'<p style="margin-top:6px">{told} <small>{_("article {n}", n=article)}</small></p>'


def degrees(angle: float) -> str:
    """An angle in radians, said in degrees."""
    return f"{value(math.degrees(angle))}°"


def share_bar(label: str, s: Shares, mark: str = "", note: str = "") -> str:
    """Shares near 0, between and near 1 as a bar in HTML; `mark` stands under it, `note` under all."""
    parts, small = "", []
    for name, share, word in (
        ("below", s.below, _("near 0")),
        ("between", s.between, _("between")),
        ("above", s.above, _("near 1")),
    ):
        told = percent(share)
        parts += (
            f'<span class="{name}" style="flex:{max(share, 1e-4):.4f}">{told if share >= 0.14 else ""}</span>'
        )
        if share < 0.14:
            small.append(f"{told} {word}")
    notes = "".join(f"<small>{text}</small>" for text in (", ".join(small), note) if text)
    spoken = ", ".join(
        f"{word} {percent(v)}"
        for word, v in ((_("near 0"), s.below), (_("between"), s.between), (_("near 1"), s.above))
    )
    drawn = f'<div class="bar" role="img" aria-label="{spoken}">{parts}</div>'
    return f'<div class="share"><p>{label}</p>{drawn}{mark}{notes}</div>'


@lru_cache(maxsize=256)  # a lesson has the same few at every step
def tex_html(tex: str) -> str:
    """A term in LaTeX, as `gradprod.bptt.term_formula` writes it, as HTML."""
    html = re.sub(r"\\(tanh|sigma)'", lambda m: {"tanh": "tanh′", "sigma": "σ′"}[m[1]], tex)
    html = re.sub(r"(?<![a-z])([A-Za-z])_(?:\{(\w+)\}|(\w))", r"<i>\1<sub>\2\3</sub></i>", html)
    html = re.sub(r"\^(?:\{(\w+)\}|(\w))", r"<sup>\1\2</sup>", html)
    return html.replace(r"\, ", THIN).replace("-", MINUS)
