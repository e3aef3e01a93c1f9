"""Questions asked of a scenario, one module each, named like the public function and the command.

`solve`: how many are needed for a target. `reconcile`: from one figure to another, mechanism by mechanism. `audit`:
what an interview of a sample would find. `uncertainty`: how sure each rung is. `rank`: what would raise it.
`misfits`: findings that nothing was fitted to. `warm_up`: how long a service takes to settle. `validate_model`,
`calibrate_service` and `calibrate_population`: official figures, and the fits to them; `fit_contacts`: where a fit to waits
begins; `service_fit`: what a fit found. `calibrate_outcome`: the fit of
how clients get better, with `evidence_of_studies`, `evidence_of_the_service` and `agreement`, which find its anchors and
checks. `population_report`, `client_tables` and `event_log`: tables about clients. `stress_checklist`: a text for whoever reports a
study.

May import: experiments and all below it. It draws no picture, prints nothing and writes no file.
Start with `rank`, which is short and has all parts of a question; then `reconcile`.
"""
