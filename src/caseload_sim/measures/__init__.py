"""From outcomes to measures: who is counted, of how many, and what many replications give.

`simulation` holds one replication with all its tables, and says who is counted; `bands` has further groups. `ladder`
(official figures and rungs), `service` (waits, contacts, places), `costs` and `qalys` say what is counted; `counting`
adds it up in whole numbers; `measure` puts everything into one `table`. `summary` makes rows with intervals of many
such tables; `rows` is one such row, how it is found and how it is written; `arrow` makes Arrow tables of them. `headline`
is the answer in few lines, and `stability` says whether lists are steady.

May import: outcomes and all below it. What a measure means stands in `definitions/measures.toml`.
Start with `measure.measure`, then `ladder`.
"""
