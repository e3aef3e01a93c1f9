"""The run folder: written whole, kept while it grows, read back, run again.

`folder` writes it, complete or not at all. `record` is its run.json, `tables` its Parquet, CSV and JSON,
`whole_files` how a file is written whole. `kept_replications` is what a run has finished so far, for `--resume`;
`packed_files` looks at what a file would unpack to before it does. `read` opens a folder and checks it; `rerun` runs
it again.

May import: figures and all below it. The only package that writes to the disk, and the only one that loads pyarrow.
Start with `folder.RunFolder`, then `read.read_run`.
"""
