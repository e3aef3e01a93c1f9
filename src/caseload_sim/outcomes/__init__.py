"""Who is better, by which rule: questionnaires and interview for every client, and for the same client untreated.

`contacts`: what took place, and how each referral ended. `courses`: which courses of treatment, with the scores of each.
`readings`: how a client is found when read, with the service and as if there had been none. `outcomes`: one table of
contacts and readings, a row for each client, and who has officially recovered. `structures`: other models of the same
clients, which published figures do not tell from the one in use.

May import: pathway and all below it.
Start with `outcomes.read_outcomes`.
"""
