"""Who is referred, and how ill they are.

`population` draws people with the conditions they have: every prevalence is exact and can be changed alone.
`remission` says when each of their problems is over, with treatment and without. `severity` says how ill they are on a
reading, a given day with a passing state, a mood and errors of its own; `questionnaires` turns that into PHQ-9 and GAD-7.

May import: scenario, draws, engines (the names of what is missing), definitions, support, errors.
Start with `population.draw_population`, then `remission.over_by` and `severity.severity_on`, which `pathway` and
`outcomes` both ask.
"""
