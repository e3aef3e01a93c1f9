"""Pictures. Each takes rows of a table, draws on Axes, and changes nothing else.

`run` (ladder, flow, waits and more), `outlook` (months before and after today), `population` (also sweeps), `clients`, `costs`
(pounds and QALYs), `compare`, `solve` (also warm-up), `services` (many, published against model) and `accounts` (reconcile, audit,
uncertainty, rank) draw; `style` is what they share, and `canvas` is matplotlib, which nothing else loads. `gallery` has the figures of a run
by name, and `painter` draws them in a process of its own while the run simulates.

May import: analysis and all below it. The only package that draws.
Start with `run.plot_disorders`, then `gallery.FIGURES`.
"""
