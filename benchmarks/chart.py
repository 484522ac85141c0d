"""The chart: how many times as good as a peer ours is, and where the goal was."""

from collections.abc import Iterable, Sequence
from math import log2

import msgspec

from benchmarks.rows import Measured

TITLE = "dojo-proto beside its peers: how many times as good as the one named"
"""Of the chart, and what stands in its place where it cannot be seen."""

_LEFT, _WIDTH, _RIGHT = 390, 420, 70
_TOP, _STEP, _BAR = 56, 26, 14

_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .faint { fill: #59636e; }
  .grid { stroke: #d1d9e0; }
  .one { stroke: #59636e; }
  .reached { fill: #1a7f64; }
  .missed { fill: #bc4c00; }
  .goal { stroke: #1f2328; stroke-width: 2.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .faint { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .one { stroke: #9198a1; }
    .reached { fill: #3fb68b; }
    .missed { fill: #f0883e; }
    .goal { stroke: #f0f6fc; }
  }
"""

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title">
<style>{style}</style>
<title id="title">{title}</title>
<text class="title" x="12" y="22">{title}</text>
<text class="faint" x="12" y="40">Measured in turns in one run; the scale is logarithmic; \
the mark is the goal, green has reached it.</text>
"""


class Bar(msgspec.Struct, frozen=True):
    """A row of the chart."""

    name: str
    against: str
    times: float
    """How many times as good as `against` ours is."""
    goal: float
    """How many times as good it was to be."""


def bar(row: Measured) -> Bar | None:
    """The bar of a row; None for one without a goal, or without a peer to compare with."""
    peers = [each for each in row.results[1:] if each.who not in row.references]
    if row.goal is None or not peers:
        return None
    best = max if row.better == "more" else min
    against = row.against or best(peers, key=lambda each: each.median).who
    peer = next((each for each in peers if each.who == against), None)
    if peer is None or peer.ratio is None:
        return None
    goal = row.goal.factor or (row.goal.limit or 0.0) / peer.median
    if row.better == "more":
        return Bar(row.name, against, peer.ratio, goal)
    return Bar(row.name, against, 1 / peer.ratio, 1 / goal)


def chart(rows: Iterable[Measured]) -> str:
    """An SVG that can be read on white and on black, in the order of the rows."""
    bars = [each for row in rows if (each := bar(row)) is not None]
    return _svg(bars)


def _svg(bars: Sequence[Bar]) -> str:
    most = max([2.0, *(max(each.times, each.goal) for each in bars)]) * 1.1
    least = min([0.5, *(min(each.times, each.goal) for each in bars)]) / 1.1

    def x(times: float) -> float:
        share = (log2(times) - log2(least)) / (log2(most) - log2(least))
        return round(_LEFT + share * _WIDTH, 1)

    bottom = _TOP + _STEP * len(bars)
    head = _HEAD.format(
        title=TITLE, style=_STYLE, width=_LEFT + _WIDTH + _RIGHT, height=bottom + 30
    )
    powers = [2.0**power for power in range(-8, 12)]
    lines = [_grid(times, x(times), bottom) for times in powers if least <= times <= most]
    drawn = [
        _drawn(each, _TOP + _STEP * number, x(1), x(each.times), x(each.goal))
        for number, each in enumerate(bars)
    ]
    return "".join([head, *lines, *drawn, "</svg>\n"])


def _grid(times: float, at: float, bottom: float) -> str:
    kind = "one" if times == 1 else "grid"
    label = f"{times:g}" if times >= 1 else f"1/{1 / times:g}"
    return f"""\
<line class="{kind}" x1="{at}" y1="{_TOP}" x2="{at}" y2="{bottom}"/>
<text class="faint" x="{at}" y="{bottom + 18}" text-anchor="middle">{label} &#215;</text>
"""


def _drawn(each: Bar, top: int, one: float, end: float, goal: float) -> str:
    kind = "reached" if each.times >= each.goal else "missed"
    top += (_STEP - _BAR) // 2
    base = top + _BAR - 3
    return f"""\
<text x="{_LEFT - 10}" y="{base}" text-anchor="end">{each.name} \
<tspan class="faint">/ {each.against}</tspan></text>
<rect class="{kind}" x="{min(one, end)}" y="{top}" width="{abs(end - one):.1f}" \
height="{_BAR}" rx="2"/>
<line class="goal" x1="{goal}" y1="{top - 3}" x2="{goal}" y2="{top + _BAR + 3}"/>
<text x="{_LEFT + _WIDTH + 10}" y="{base}">{each.times:.2f} &#215;</text>
"""
