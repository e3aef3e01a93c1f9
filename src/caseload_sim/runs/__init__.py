"""The run folder: written completely or not at all, kept while it grows, read back, run again.

`folder` writes it, complete or not at all, under a `lock`. `record` is its run.json, `tables` its Parquet, CSV and JSON,
`whole_files` writes a file completely or not at all, by `disk`, which alone changes files and folders: through no link, and
with patience. `kept_replications` is what a run has finished so far, for `--resume`; `packed_files` refuses files that would
unpack to too much. `read` opens a folder and checks it, with `known_rows` what its tables say; `rerun` runs it again.

May import: figures and all below it. The only package that writes to the disk; rows become Arrow tables in `measures/arrow.py`.
Start with `folder.RunFolder`, then `read.read_run`.
"""
