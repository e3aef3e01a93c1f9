"""A page as one HTML file: no script, no request, every text escaped, the same bytes from the same page."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from caseload_sim.report.drawn import Draw
from caseload_sim.report.parts import Block, Card, Command, Drawing, Heading, Items, Line, Page, Section, Strong, Table
from caseload_sim.report.strips import key, shown, strip

GENERATOR = (
    '<meta name="generator" content="caseload-sim report">'  # by which a report is known when it is to be replaced
)
_HEAD = 2_000  # bytes of a file in which that stands


def as_html(page: Page, draw: Draw | None = None) -> str:
    """The whole file; draw: makes an SVG of a figure by its name and what is seen in it; without, figures are left out."""
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    title = escape(page.title)
    questions = [one for one in page.sections if not one.is_folded]
    sections = "\n".join(
        _section(one, questions.index(one) + 1 if one in questions else 0, draw) for one in page.sections
    )
    caution = "".join(f"<li>{escape(one)}</li>" for one in page.caution)
    return f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
{GENERATOR}
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="about">{escape(page.about)}</p>
</header>
<main>
<p class="answer">{escape(page.answer)}</p>
<ul class="cards">{"".join(map(_card, page.cards))}</ul>
<section class="caution" aria-labelledby="caution"><h2 id="caution">Before you use this</h2><ul>{caution}</ul></section>
{sections}
</main>
<footer><p>{escape(page.foot)}</p></footer>
</body>
</html>
"""


def is_report(content: bytes) -> bool:
    """Whether a file is a report, which the next one may replace."""
    return GENERATOR.encode() in content[:_HEAD]


def _card(card: Card) -> str:
    kind = ' class="missed"' if card.missed else ""
    return (
        f'<li{kind}><span class="label">{escape(card.label)}</span> <span class="number">{escape(card.value)}</span> '
        f'<span class="note">{escape(card.note)}</span></li>'
    )


def _section(section: Section, number: int, draw: Draw | None) -> str:
    blocks = "\n".join(filter(None, (_block(one, draw) for one in section.blocks)))
    heading = escape(section.heading)
    if section.is_folded:
        return f"<details><summary><h2>{heading}</h2></summary>\n{blocks}\n</details>"
    name = f"question-{number}"
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}"><span class="count">{number}</span> {heading}</h2>\n{blocks}\n</section>'


def _block(block: Block, draw: Draw | None) -> str:
    match block:
        case str():
            return f"<p>{escape(block)}</p>"
        case Strong(text):
            return f'<p class="strong"><strong>{escape(text)}</strong></p>'
        case Heading(text):
            return f"<h3>{escape(text)}</h3>"
        case Command(text):
            return f'<p class="command"><code>{escape(text)}</code></p>'
        case Items(items):
            return _items(items)
        case Table():
            return _table(block)
        case Drawing(name, says):
            drawn = draw(name, says) if draw is not None else ""
            return (
                f'<figure><div class="wide" tabindex="0" role="region" aria-label="Figure: {name.replace("_", " ")}">{drawn}</div></figure>'
                if drawn
                else ""
            )


def _items(items: Sequence[str | tuple[str, str]]) -> str:
    if items and isinstance(items[0], tuple):
        return (
            "<dl>"
            + "".join(f"<div><dt>{escape(one[0])}</dt><dd>{escape(one[1])}</dd></div>" for one in items)
            + "</dl>"
        )
    return "<ul>" + "".join(f"<li>{escape(str(one))}</li>" for one in items) + "</ul>"


def _table(table: Table) -> str:
    first, *others = table.columns
    corner = f'<th scope="col">{escape(first)}</th>' if first else "<td></td>"
    head = corner + "".join(f'<th scope="col">{escape(one)}</th>' for one in others)
    groups: list[list[str]] = [[]]
    for one in table.lines:
        if not one.cells and groups[-1]:
            groups.append([])
        groups[-1].append(_line(one, len(table.columns)))
    bodies = "".join("<tbody>\n" + "\n".join(group) + "\n</tbody>" for group in groups)
    drawn = [one.marks for one in table.lines if one.marks]
    keys = "".join(
        f"<li>{key(name)} {escape(meaning)}</li>"
        for name, meaning in table.key
        if any(name in shown(marks) for marks in drawn)
    )
    return (
        f"<table><caption>{escape(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n{bodies}</table>"
        + (f'\n<ul class="key">{keys}</ul>' if keys else "")
    )  # fmt: skip


def _line(line: Line, columns: int) -> str:
    if not line.cells:
        return f'<tr><th class="part" colspan="{columns}" scope="rowgroup">{escape(line.label)}</th></tr>'
    below = f' <span class="below">{escape(line.below)}</span>' if line.below else ""
    drawn = strip(line.marks) if line.marks else ""
    cells = "".join(f"<td>{escape(one)}</td>" for one in line.cells)
    marked = ' class="marked"' if line.marks else ""
    return f'<tr{marked}><th scope="row">{escape(line.label)}{below}{drawn}</th>{cells}</tr>'
