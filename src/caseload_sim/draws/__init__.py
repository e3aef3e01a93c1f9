"""All randomness. Nothing outside this package draws a random number.

`streams` has one stream for each seed, replication and purpose; a client's position in a stream is the client's id, so
the same person has the same draws in every scenario. `distributions` turns draws into normal values, categories and
counts. `philox` makes the same bits at chosen positions only, compiled.

May import: support and errors.
Start with `streams.PURPOSES` and `streams.Draws`.
"""
