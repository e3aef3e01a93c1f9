"""Pictures. Each takes rows of a table, draws on Axes, and changes nothing else.

`run` (ladder, flow, disorders), `waits` (also warm-up), `outlook` (months before and after today), `clients`, `costs`, `compare`,
`population`, `sweep`, `solve`, `services` (many, published against model), `accounts` (reconcile, audit, rank) and `doubt` draw. `style`
is what they share, `marks` has published figures, `frame` the words around each picture, `made` what it is of, `sizes` how large it is;
`canvas` is matplotlib, which nothing else loads. `gallery` has every figure of every command by name, and `painter` draws those of a
run in a process of its own while it simulates.

May import: analysis and all below it. The only package that draws.
Start with `run.plot_disorders`, then `gallery.FIGURES`.
"""
