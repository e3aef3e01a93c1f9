"""What each client would receive, and how many places there are: all of it drawn before the queue runs.

`demand`: how many are referred on each day. `in_vain`: what changes nothing, such as a shock before the simulated days. `working_days`: which days those of staff are. `staffing`: who is at
work, and the places that makes. `assessment`: what is recorded and decided. `sessions`: attended, missed, and how
long somebody would wait. `stepping`: who goes on to another step. `care` puts these together into plans for the
queue. `own_policy`: a user's own function that decides where clients start.

May import: clients and all below it.
Start with `care.draw_people`.
"""
