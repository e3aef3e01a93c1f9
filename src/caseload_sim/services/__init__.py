"""Real services: what NHS England publishes of each provider of NHS Talking Therapies, month by month.

`published` holds the snapshot that is shipped (April 2022 to March 2025, Open Government Licence v3.0) with the months that a
user added, and finds a provider by name, code, town or board. `year` makes a provider's year of its months: referrals,
endings, waits, lists and recovery, each with the identifiers of the published measures that it is made of.
`own_service` writes a scenario of one's own service, from answers to `questions` or from a spreadsheet, `own_figures`.
`targets` says which published figures a scenario is compared with, and what is moved to meet each; `scenario_file` writes a
scenario of a service from its published figures; `fit` moves what is not published, by means of `levers`.
`each` does so for many services at once, `validated` compares each with its published figures and with `rivals`, and `backtest`
predicts a year (`yearly` has its figures) from the one before, both run as one by `two_years`.
`monthly_file` reads the file that NHS England publishes each month, and `added_months` keeps what was read in it.

May import: everything but cli.
Start with `published.Published`.
"""
