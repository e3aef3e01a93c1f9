"""What each cost means, in words: rows for `definitions.MEASURES`."""

UNIT = "GBP"
_MONEY = (
    "what referrals ended in the period cost, of the base: all of them (referred), those with a first contact (started), "
    "those with two or more (finished)"
)
_NOT_FITTED = "definition of this model; prices and their sources are in [costs] of the scenario"
_EVENTS = (
    ("finished_course", "Finished course (two or more contacts)", "finished courses"),
    ("recovery", "Official recovery, by questionnaire", "recoveries, as for recovery"),
    ("principal_remission", "Remission of the principal disorder, by interview", "clients of the ladder so remitted"),
    ("all_remission", "Remission of all starting disorders, by interview", "clients of the ladder so remitted"),
    ("full_remission", "Remission of all starting disorders, all clearly below threshold, by interview", "clients of the ladder so remitted"),
)  # fmt: skip

# name, unit, definition, numerator, denominator, source
COST_MEASURES: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "cost_per_referral",
        UNIT,
        "Pounds per referral ended in the period, those never seen included, at the prices of costs.report_year.",
        _MONEY,
        "referrals ended in the period",
        _NOT_FITTED,
    ),
    *(
        (
            f"cost_per_{name}",
            UNIT,
            f"Pounds per: {words}. All that the clients of the base cost, also those who did not get so far, over those who did.",
            _MONEY,
            f"{counted}, among referrals of the base ended in the period",
            _NOT_FITTED,
        )
        for name, words, counted in _EVENTS
    ),
    *(
        (
            f"cost_per_extra_{name}",
            UNIT,
            f"Pounds per additional: {words}. Over what the same clients reach untreated; without a value where the service "
            "adds none, and a mean over replications that have one. Near no difference it is large and says little.",
            _MONEY,
            f"{counted}, less the same count untreated, among referrals of the base ended in the period",
            _NOT_FITTED,
        )
        for name, words, counted in _EVENTS[1:]
    ),
)
