"""A line chart as SVG, by hand: no plotting library is needed to see a curve."""

from __future__ import annotations

import math
from html import escape

from memos_core.bench.report import Curve, Plot

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 920, 460, 70, 330, 46, 50
COLOURS = (
    "#0b6e4f",
    "#c1121f",
    "#1d4ed8",
    "#b45309",
    "#7c3aed",
    "#0e7490",
    "#be185d",
    "#4d7c0f",
    "#475569",
    "#a16207",
    "#334155",
    "#9f1239",
)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        return [10.0**power for power in range(math.floor(low), math.ceil(high) + 1)]
    raw = (high - low) / 5 or 1.0
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= raw)
    return [step * number for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


class _Axis:
    """Maps values onto pixels, plain or by their logarithm."""

    def __init__(self, values: list[float], pixels: tuple[float, float], log: bool) -> None:
        self._log, self._pixels = log, pixels
        placed = [self._place(value) for value in values]
        low, high = (min(placed), max(placed)) if log else (min(0.0, *placed), max(placed))
        self.ticks = _ticks(low, high, log)
        self._low, self._high = self._place(self.ticks[0]), self._place(self.ticks[-1])

    def _place(self, value: float) -> float:
        return math.log10(value) if self._log else value

    def __call__(self, value: float) -> float:
        start, end = self._pixels
        return start + (end - start) * (self._place(value) - self._low) / ((self._high - self._low) or 1.0)


def _curve(curve: Curve, number: int, x: _Axis, y: _Axis) -> str:
    colour = COLOURS[number % len(COLOURS)]
    ours = curve.name.startswith("memos")
    dash = "" if ours else ' stroke-dasharray="5 3"'
    path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in curve.points)
    dots = "".join(f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.5" fill="{colour}"/>' for a, b in curve.points)
    line = TOP + 10 + 20 * number
    weight = ' font-weight="bold"' if ours else ""
    label = f'<text x="{WIDTH - RIGHT + 44}" y="{line + 4}"{weight}>{escape(curve.name)}</text>'
    key = f'<line x1="{WIDTH - RIGHT + 16}" x2="{WIDTH - RIGHT + 38}" y1="{line}" y2="{line}" stroke="{colour}" stroke-width="2.5"{dash}/>'
    drawn = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{2.5 if ours else 1.6}"{dash}/>'
    return drawn + dots + key + label


def svg(plot: Plot) -> str:
    """The chart's text. Our own curves are full and bold, the peers' dashed."""
    points = [point for curve in plot.curves for point in curve.points]
    x = _Axis([a for a, _ in points] or [1.0], (LEFT, WIDTH - RIGHT), plot.log)
    y = _Axis([b for _, b in points] or [1.0], (HEIGHT - BOTTOM, TOP), plot.log)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{escape(plot.title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(plot.x)}</text>',
        f'<text transform="translate(18 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(plot.y)}</text>',
    ]
    for tick in y.ticks:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x.ticks:
        parts.append(f'<text x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    parts += [_curve(curve, number, x, y) for number, curve in enumerate(plot.curves)]
    return "\n".join([*parts, "</svg>"]) + "\n"
