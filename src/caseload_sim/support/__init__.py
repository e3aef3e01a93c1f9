"""What is not about therapy: tables of columns, arithmetic, threads, limits.

`columns`: choose rows of a table of columns, or put tables together. `row_table`: many rows of one kind, held by column. `statistics`: means and intervals. `provenance`: digests of tables, and versions. `threads`: blocks worked on
side by side. `compiled`: loops compiled by numba where it is there. `limits`: what a file may be at most.
`text_columns`: lines of a table. `bounded`: exponentials that never overflow. `spreadsheets`: the library for Excel files.
`surroundings`: streams, terminal and `~`.

May import: errors alone.
Start with `columns`.
"""
