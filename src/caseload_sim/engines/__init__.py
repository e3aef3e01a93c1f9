"""Engines answer one question, by the rules of the day: who holds which place on which day?

`plans` is what an engine is told: whole numbers alone, drawn beforehand. `reference` is the rules in SimPy, to be
read aloud; `kernel` is the same rules as one loop over arrays, many times as fast. `episodes` is the answer, in one
order, so that two engines can be compared row for row. `engine` has both by name, and which of them a job is worth.

May import: support and errors. An engine knows no scenario, no client and no chance; the rules have numbers, which
are those of docs/rules_of_the_day.md.
Start with `reference`.
"""
