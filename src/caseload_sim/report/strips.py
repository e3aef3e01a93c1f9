"""The marks below the label of a row, drawn as wide as the label's cell is. Numbers stand in cells beside it, so none is here."""

from math import isnan

from caseload_sim.report.parts import Marks

HEIGHT, MIDDLE = 18, 9
# A mark's name in keys, and how it is drawn at (x, middle); x as in SVG, such as 12%.
KEYS = {
    "value": '<circle class="value" cx="{x}" cy="9" r="5"/>',
    "other": '<circle class="other" cx="{x}" cy="9" r="4.2"/>',
    "tick": '<line class="tick" x1="{x}" x2="{x}" y1="1" y2="17"/>',
}
_BARS = {
    "band": '<rect class="band" x="{x}" width="{width}" y="4" height="10" rx="2"/>',
    "chance": '<line class="chance" x1="{x}" x2="{end}" y1="9" y2="9"/>',
}


def strip(marks: Marks) -> str:
    """The picture of a row."""
    drawn = [f'<line class="axis" x1="0%" x2="100%" y1="{MIDDLE}" y2="{MIDDLE}"/>']
    if marks.low < 0 < marks.high:
        drawn.append(f'<line class="zero" x1="{_at(0, marks)}" x2="{_at(0, marks)}" y1="0" y2="{HEIGHT}"/>')
    for name, (low, high) in (("band", marks.could_be), ("chance", marks.chance)):
        if not isnan(low) and not isnan(high):
            drawn.append(_bar(name, min(low, high), max(low, high), marks))
    drawn += [KEYS["tick"].format(x=_at(tick, marks)) for tick in marks.ticks]
    drawn += [
        KEYS[name].format(x=_at(value, marks))
        for name, value in (("other", marks.other), ("value", marks.value))
        if not isnan(value)
    ]
    return f'<svg class="strip" height="{HEIGHT}" aria-hidden="true" focusable="false">{"".join(drawn)}</svg>'


def shown(marks: Marks) -> set[str]:
    """Names of the marks that a row has."""
    there = {"value": marks.value, "other": marks.other, "band": marks.could_be[0], "chance": marks.chance[0]}
    return {name for name, value in there.items() if not isnan(value)} | ({"tick"} if marks.ticks else set())


def key(name: str) -> str:
    """One mark alone, for a key."""
    drawn = KEYS[name].format(x="50%") if name in KEYS else _BARS[name].format(x="10%", width="80%", end="90%")
    return f'<svg class="mark" width="26" height="{HEIGHT}" aria-hidden="true" focusable="false">{drawn}</svg>'


def _bar(name: str, low: float, high: float, marks: Marks) -> str:
    start, end = _share(low, marks), _share(high, marks)
    return _BARS[name].format(x=f"{start:.2f}%", width=f"{end - start:.2f}%", end=f"{end:.2f}%")


def _at(value: float, marks: Marks) -> str:
    return f"{_share(value, marks):.2f}%"


def _share(value: float, marks: Marks) -> float:
    """Where a value lies between the ends, 0 to 100."""
    share = 100 * (value - marks.low) / (marks.high - marks.low) if marks.high > marks.low else 0.0
    return min(max(share, 0.0), 100.0)
