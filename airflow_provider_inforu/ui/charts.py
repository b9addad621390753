"""Charts as inline SVG. Each number also appears as text, because a chart alone excludes readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

_KINDS = {"Answered": "good", "NoAnswer": "calm", "Busy": "warn", "Failed": "bad"}
_WIDTH = 600
_HEIGHT = 120


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart.

    :ivar kind: The CSS class of its colour.
    :ivar percent: Its share of the total, 0 to 100.
    """

    label: str
    count: int
    kind: str
    percent: float

    @property
    def drawing(self) -> Markup:
        """The bar as SVG. Its width is its share."""
        return Markup(
            '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
            '<rect class="track" width="100" height="8"/>'
            '<rect class="{}" width="{:.2f}" height="8"/></svg>'
        ).format(self.kind, self.percent)


def make_bars(counts: Mapping[str, int], total: int, *, unnamed: str = "No status") -> list[Bar]:
    """Return bars, the largest first.

    :param counts: The counts by label.
    :param total: The count that is 100 percent.
    :param unnamed: The text for an empty label.
    """
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [
        Bar(label or unnamed, count, _KINDS.get(label, "other"), min(100.0, 100 * count / max(total, 1)))
        for label, count in ranked
    ]


def draw_stack(bars: Sequence[Bar]) -> Markup:
    """Return all bars in one line as SVG, with a label for screen readers."""
    label = ", ".join(f"{bar.label} {bar.count}" for bar in bars)
    parts = []
    position = 0.0
    for bar in bars:
        parts.append(
            Markup('<rect class="{}" x="{:.2f}" width="{:.2f}" height="8"/>').format(
                bar.kind, position, bar.percent
            )
        )
        position += bar.percent
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="track" width="100" height="8"/>{}</svg>'
    ).format(label, Markup("").join(parts))


def draw_columns(ended: Sequence[tuple[dt.datetime, int]]) -> Markup:
    """Return a column chart of the ended calls in each interval, as SVG.

    :param ended: The start of each interval and its number of ended calls.
    """
    highest = max((count for _, count in ended), default=0) or 1
    width = _WIDTH / max(len(ended), 1)
    gap = min(2.0, width / 4)
    columns = Markup("").join(
        Markup('<rect class="accent" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
            index * width, _HEIGHT - height, max(width - gap, 0.5), height
        )
        for index, (_, count) in enumerate(ended)
        for height in [_HEIGHT * count / highest]
    )
    return Markup(
        '<svg class="columns" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(_WIDTH, _HEIGHT, columns)
