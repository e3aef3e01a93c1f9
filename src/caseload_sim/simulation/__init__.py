"""One replication of a scenario, and everything that saves memory in it.

`replication` tells the story from who is referred to what is counted. `intake` draws everybody who comes to the service
and keeps only the plans that the queue needs; clients are drawn again when their outcomes are read. `running_start` and
`pool`: who is there when the service opens, and `stated_lists`: where the scenario says how many wait. `providers`: many providers instead of one.
`returns`: who comes back after a relapse.

May import: measures and all below it. Nothing below it may know that clients are drawn in blocks.
Start with `replication.run_once`.
"""
