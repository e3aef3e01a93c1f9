"""Commands: each parses what was typed, calls one public function, and prints what comes back.

`main` has all commands by name, and what happens when one goes wrong; `options` (what is typed),
`running` (how simulations are run and kept) and `printing` are what they share. One module for one command, with what it prints: `run`, `sweep`, `compare`, `solve`, `reconcile`, `audit`,
`uncertainty`, `rank`, `population`, `calibrate`, `validate_model`, `warm_up`, `list`, `plot`. Two have more than one:
`rerun` (also `check`) and `scenarios` (`explain`, `diff`, `validate`, `schema`, `report-checklist`, `new`).

May import: every other package; none imports this one. `--help` must answer at once: a command's module is
loaded when it is called.
Start with `main`, then `rank` for one whole command.
"""
