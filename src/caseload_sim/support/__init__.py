"""What is not about therapy: tables of columns, arithmetic, threads, limits.

`columns`: some rows of any table of columns, or several tables joined. `row_table`: many rows of one kind, held by
column. `statistics`: means and intervals. `provenance`: digests of tables, and versions. `threads`: blocks worked on
side by side. `compiled`: loops compiled by numba where it is there. `limits`: what a file may be at most.

May import: errors alone.
Start with `columns`.
"""
