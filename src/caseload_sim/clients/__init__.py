"""Who is referred, and how ill they are.

`population` draws people with the conditions they have: every prevalence is exact and can be changed alone.
`severity` says how ill each is after some days and some treatment; `questionnaires` turns that into PHQ-9 and GAD-7.

May import: scenario, draws, engines (the names of what is missing), definitions, support, errors.
Start with `population.draw_population`, then `severity.severity_after`, which `pathway` and `outcomes` both ask.
"""
