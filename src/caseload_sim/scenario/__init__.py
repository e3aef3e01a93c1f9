"""What is assumed: the parts of a scenario, each number with its origin; read, checked, changed, said in words.

The schema by subject: `population`, `service`, `pathway`, `outcome`, `costs`, of `numbers` with their origin, put
together in `assumptions`; `scenario` is the public class, which can be changed. `policies`: where a service sends
clients. Reading: `catalogue` (by name), `files`, `sources`, `changes`, and `messages` for what is wrong. Checking:
`checks`, `checks_population`, `correlations`, and `expected`, which is what must hold on average. For readers:
`in_words`, and `json_schema` for editors.

May import: engines, draws, definitions, support, errors. Shipped scenarios are in the folder `scenarios` of the
project, and in `scenario/shipped` once installed.
Start with `assumptions`, then one shipped file beside `population`.
"""
