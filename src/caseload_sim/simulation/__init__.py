"""One replication of a scenario, and everything that saves memory in it.

`replication` is the whole story, from who is referred to what is counted. `intake` has everybody whom the queue is to
know of, as plans alone; who they are is drawn again for those who are read. `running_start` and `pool`: who is there
when the service opens. `providers`: many providers instead of one.

May import: measures and all below it. Nothing below it may know that clients are drawn in blocks.
Start with `replication.run_once`.
"""
