"""Many simulations, and how they are run: replications, comparisons, sweeps.

`replicate` gives a scenario's results with intervals, `compare` several scenarios on the same clients (`trial`: on
different ones, by lot), `sweep` the curve of any measure, `precision` as many replications as an interval takes. All
ask `rounds` for all the replications that they can name beforehand; `run_options` says how those are carried out.
`could_be` reads the same clients by other structures of the outcome model, for the lowest and the highest that a figure
could be; `apart` why people helped and shares move apart. Beneath: `settings` (seed, engine, threads), `tasks` (one
replication as a task, and what is kept of it), `rehearsal` (which figures there will be), `in_short` (what Python shows
of results), `workers` (processes), `dask_workers` (a cluster, by way of a `loop_thread`) and `workload` (how much a
command is about to do).

May import: simulation and all below it.
Start with `replicate.replicate`.
"""
