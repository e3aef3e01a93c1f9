"""A figure of the gallery within a page: its SVG without what belongs to a file, as wide as there is room, always of the same bytes."""

import re
from collections.abc import Callable
from html import escape

from caseload_sim.figures.gallery import Tables
from caseload_sim.figures.made import Made
from caseload_sim.figures.painter import NotDrawn, image_of_saved
from caseload_sim.figures.sizes import Look

Draw = Callable[[str, str], str]  # of a figure by its name, and what is seen in it
_IDENTITY = re.compile(r'\bid="([^"]+)"')
_NAMED = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')  # where a name of the picture stands
_FIXED_SIZE = re.compile(r'<svg\b[^>]*?viewBox="([^"]+)"[^>]*>')


def figure(tables: Tables, made: Made, name: str, says: str) -> str:
    """The figure as an element of HTML; empty where it cannot be drawn.

    made: how its tables were made, which stands at its foot; says: what is seen in it, for those who do not see it
    """
    image = image_of_saved(tables, name, Look("svg"), made)
    return "" if isinstance(image, NotDrawn) else inline(image.decode("utf-8"), name, says)


def inline(svg: str, name: str, says: str) -> str:
    """The SVG of a file as an element of a page, beside which there may be others: its names are its own, and do not hang on chance."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", svg).strip()
    names = {old: f"{name}-{number}" for number, old in enumerate(dict.fromkeys(_IDENTITY.findall(svg)))}
    svg = _NAMED.sub(lambda found: found[1] + names.get(found[2], found[2]), svg)
    about = escape(says)
    return _FIXED_SIZE.sub(
        lambda found: (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{found[1]}" role="img" aria-label="{about}">'
        ),
        svg,
        count=1,
    )
