"""What is reported, in words: every measure with its definition, and how one figure is named.

`measures` reads `measures.toml` beside it: each measure with numerator, denominator, definition and source. Nothing here
counts anything; the package `measures` does. `quantities` is the address of a figure: measure, base, reading, service
and group, `goals` what one is to reach. `columns` reads `columns.toml`: every column of every saved table. `published` are standards and figures that
others have found, to read a result beside. `labels` is the order of labels in every table and names in words, `times` the
months and times waited that some labels say.

May import: support and errors. Every package above may import it; engines and draws do not.
Start with `measures.toml`, then `measures.Measure`.
"""
