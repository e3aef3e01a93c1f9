"""Commands: each parses what was typed, calls one public function, and prints what comes back.

`main` has all commands by name, and what happens when one goes wrong; `options` (what is typed),
`running` (how simulations are run and kept) and `printing` are what they share. One module for one command, with what it
prints: `run`, `show`, `report`, `sweep`, `compare`, `solve`, `reconcile`, `audit`, `rank`. Others have several: `calibrate` (also
`population`), `uncertainty` (also `structures`), `rerun` (`plot`, `check`), `validate_model` (`warm-up`), `services` (`new`, `import-statistics`)
and `scenarios` (`list`, `explain`, `diff`, `validate`, `schema`, `report-checklist`).

May import: every other package; none imports this one. `--help` must answer at once: a command's module is
loaded when it is called.
Start with `main`, then `rank` for one whole command.
"""
