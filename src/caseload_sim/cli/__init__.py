"""Commands: each parses what was typed, calls one public function, and prints what comes back.

`main` has all commands by name, and what happens when one goes wrong; `options`, `printing` and `progress` are what
they share. One module for one command, with what it prints: `run`, `sweep`, `compare`, `solve`, `reconcile`, `audit`,
`uncertainty`, `rank`, `population`, `calibrate`, `validate_model`, `warm_up`, `list`, `plot`. Two have more than one:
`rerun` (also `check`) and `scenarios` (`explain`, `diff`, `validate`, `schema`, `report-checklist`, `new`).

May import: every other package; none imports this one. `--help` must answer at once: what simulates is loaded when
called.
Start with `main`, then `rank` for one whole command.
"""
