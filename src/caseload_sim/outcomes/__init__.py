"""Who is better, by which rule: questionnaires and interview for every client, and for the same client untreated.

`contacts`: what each client received, and how the referral ended. `readings`: how a client is then read, with the
service and without it. `outcomes`: the table of both, one row a client, and the scores of each course.

May import: pathway and all below it.
Start with `outcomes.read_outcomes`.
"""
