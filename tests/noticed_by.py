"""Which quick tests are to notice a fault in which module, and which modules compute no figure: the tables of mutation.py.

The exact digests (project/test_digests.py) would notice nearly everything, but cannot say what is right, so they are left out.
"""

from typing import NamedTuple

# Mutants of a module in the verification suite: many of the engines, the outcome rules and the measures, some of all others.
MANY, SOME = 50, 4


class Noticed(NamedTuple):
    """Test files, the quickest first; which of their tests, as for -k (all if empty); how many mutants are a sample."""

    files: tuple[str, ...]
    chosen: str = ""
    sample: int = SOME


def _many(files: tuple[str, ...], chosen: str) -> Noticed:
    return Noticed(files, chosen, MANY)


ENGINES = ("engines/test_engines.py", "engines/test_agreement.py")
OUTCOMES = ("outcomes/test_outcomes.py", "outcomes/test_reread.py")
MEASURES = ("measures/test_costs.py", "measures/test_recount.py")
# The compiled kernel is left out: its loop is the same source.
_SEVERITY = _many(
    ("clients/test_remission.py", "clients/test_severity.py", "pathway/test_stepping.py", *OUTCOMES),
    "test_remission or test_severity or stepping_up or deadline or edges or second_reading_finds",
)
_OUTCOMES = _many(OUTCOMES, "edges or second_reading_finds")
_COUNTED = _many(MEASURES, "second_count or three_clients")
_MEASURED = _many(
    ("simulation/test_blocks.py", "measures/test_measures.py", *MEASURES),
    "without_its_names or rows_stand or second_count",
)
_POPULATION = "not (screens_the_national or sweep or every_combination or split_into or a_fit or fragment)"
TESTS: dict[str, Noticed] = {
    "engines/kernel.py": _many(ENGINES, "interpreted or count_the_same or finds_room"),
    "engines/reference.py": _many(ENGINES, "reference or count_the_same or interpreted_kernel"),
    "engines/plans.py": Noticed(("engines/test_engines.py", "simulation/test_blocks.py", "pathway/test_service.py"), "reference or plans or steps_that or deadlines"),
    "engines/episodes.py": Noticed(("engines/test_engines.py",), "not numba"),
    "draws/distributions.py": Noticed(("draws/test_streams.py", "draws/test_distributions.py", "pathway/test_service.py"), "draws or binomial or counts or skew or samplers"),
    "draws/streams.py": Noticed(("draws/test_streams.py", "draws/test_distributions.py")),
    "draws/philox.py": Noticed(("draws/test_streams.py",), "bit"),
    "clients/questionnaires.py": _SEVERITY,
    "clients/remission.py": _SEVERITY,
    "clients/severity.py": _SEVERITY,
    "clients/population.py": Noticed(("clients/test_clients.py", "clients/test_population.py"), "test_clients or every_prevalence or counts_simulated or by_stratum"),
    "pathway/assessment.py": Noticed(("pathway/test_stepping.py", "scenario/test_modalities.py", "scenario/test_policies.py"), "stepping or modalit or roulette or interview or sends or chance"),
    "pathway/care.py": Noticed(("pathway/test_stepping.py", "draws/test_distributions.py", "pathway/test_service.py"), "stepping or bookings or patience or lags or missed or modality or below_caseness or reasons"),
    "pathway/in_vain.py": Noticed(("pathway/test_in_vain.py",)),
    "pathway/demand.py": Noticed(("pathway/test_demand.py",)),
    "pathway/own_policy.py": Noticed(("scenario/test_policies.py",)),
    "pathway/sessions.py": Noticed(("pathway/test_stepping.py", "draws/test_distributions.py", "scenario/test_modalities.py")),
    "pathway/staffing.py": Noticed(("pathway/test_staffing.py",)),
    "pathway/stepping.py": Noticed(("pathway/test_stepping.py", "pathway/test_service.py"), "test_stepping or deadlines or stepped_down"),
    "pathway/working_days.py": Noticed(("pathway/test_working_days.py",)),
    "scenario/policies.py": Noticed(("scenario/test_policies.py",)),
    "scenario/costs.py": Noticed(("measures/test_costs.py",), "not generated"),
    "scenario/correlations.py": Noticed(("clients/test_population.py",), _POPULATION),
    "scenario/expected.py": Noticed(("scenario/test_modalities.py", "clients/test_population.py"), _POPULATION),
    "scenario/checks_population.py": Noticed(("clients/test_population.py",), _POPULATION),
    "simulation/intake.py": Noticed(("simulation/test_intake.py", "simulation/test_day_of_return.py", "simulation/test_blocks.py")),
    "simulation/pool.py": Noticed(("simulation/test_opening.py", "pathway/test_service.py"), "test_opening or deadlines or stepped_down or likelier or who_is_there or as_long_as_asked"),
    "simulation/providers.py": Noticed(("pathway/test_service.py", "measures/test_costs.py"), "providers"),
    "simulation/replication.py": Noticed(("simulation/test_intake.py", "simulation/test_opening.py", "simulation/test_blocks.py", "scenario/test_policies.py", "measures/test_costs.py"), "test_intake or test_opening or test_blocks or waits_at_opening or providers_are"),
    "simulation/stated_lists.py": Noticed(("simulation/test_stated_lists.py",)),
    "simulation/running_start.py": Noticed(("simulation/test_opening.py", "pathway/test_service.py"), "test_opening or deadlines or stepped_down"),
    "outcomes/contacts.py": _OUTCOMES,
    "outcomes/courses.py": _OUTCOMES,
    "outcomes/readings.py": _OUTCOMES,
    "outcomes/outcomes.py": _OUTCOMES,
    "outcomes/structures.py": Noticed(("outcomes/test_structures.py", "experiments/test_could_be.py")),
    "measures/counting.py": _COUNTED,
    "measures/simulation.py": _COUNTED,
    "measures/measure.py": _MEASURED,
    "measures/ladder.py": _MEASURED,
    "measures/service.py": _many(("measures/test_measures.py", *MEASURES), "second_count or low_intensity_is or as_long_as"),
    "measures/costs.py": _many(MEASURES, "second_count or three_clients or no_price or in_post_cost or see_nobody or idle"),
    "measures/bands.py": Noticed(("measures/test_bands.py",)),
    "measures/qalys.py": Noticed(("measures/test_qalys.py",)),
    "measures/rows.py": Noticed(("measures/test_rows.py", "measures/test_measures.py", "experiments/test_replicate.py"), "not default and not extreme and not trials_world"),
    "measures/summary.py": Noticed(("support/test_ratio_of_means.py", "measures/test_qalys.py", "experiments/test_replicate.py", "clients/test_population.py"), "ratio or plane or interval or left_out or split_into"),
    "measures/headline.py": Noticed(("measures/test_headline.py",)),
    "measures/stability.py": Noticed(("measures/test_stability.py",)),
    "measures/table.py": Noticed(("support/test_ratio_of_means.py", "measures/test_measures.py", "simulation/test_blocks.py")),
    "experiments/apart.py": Noticed(("experiments/test_apart.py",)),
    "experiments/compare.py": Noticed(("experiments/test_compare.py",), "not sheet and not prints and not forest"),
    "experiments/could_be.py": Noticed(("experiments/test_could_be.py",)),
    "experiments/precision.py": Noticed(("experiments/test_precision.py",)),
    "experiments/settings.py": Noticed(("clients/test_population.py",), "sweep or combination or published_prevalences or not_drawn or split_into"),
    "experiments/sweep.py": Noticed(("clients/test_population.py",), "sweep or combination or cannot_be_read"),
    "experiments/trial.py": Noticed(("experiments/test_trial.py",)),
    "analysis/agreement.py": Noticed(("analysis/test_calibrate_outcome.py", "measures/test_ladder.py"), "agree or kappa or accuracy or screening or two_by_two"),
    "analysis/audit.py": Noticed(("analysis/test_audit.py",)),
    "analysis/calibrate_outcome.py": Noticed(("analysis/test_calibrate_outcome.py", "measures/test_ladder.py"), "calibrate or fit or multiple or anchor"),
    "analysis/calibrate_population.py": Noticed(("clients/test_population.py",), "calibrat or fit"),
    "analysis/calibrate_service.py": Noticed(("pathway/test_service.py", "measures/test_ladder.py"), "calibrat or fitted or multiple or hit"),
    "analysis/fit_contacts.py": Noticed(("services/test_own_service.py",), "are_kept"),
    "analysis/client_tables.py": Noticed(("analysis/test_client_tables.py",)),
    "analysis/event_log.py": Noticed(("analysis/test_event_log.py",)),
    "analysis/evidence_of_studies.py": Noticed(("analysis/test_calibrate_outcome.py", "analysis/test_outcome_evidence.py")),
    "analysis/evidence_of_the_service.py": Noticed(("analysis/test_calibrate_outcome.py", "analysis/test_outcome_evidence.py")),
    "analysis/misfits.py": Noticed(("measures/test_ladder.py",), "misses or finding or screening or providers"),
    "analysis/population_report.py": Noticed(("clients/test_population.py",), "report or wilson or fragment or recovers"),
    "analysis/rank.py": Noticed(("analysis/test_reconcile.py",), "rank or one_more"),
    "analysis/reconcile.py": Noticed(("analysis/test_reconcile.py",), "not what_if and not rank and not calibrate and not legible"),
    "analysis/solve.py": Noticed(("analysis/test_solve.py",)),
    "analysis/uncertainty.py": Noticed(("analysis/test_audit.py",)),
    "analysis/validate_model.py": Noticed(("pathway/test_service.py",), "hit or checks or tolerances or met"),
    "analysis/warm_up.py": Noticed(("analysis/test_warm_up.py",)),
    "simulation/returns.py": Noticed(("simulation/test_day_of_return.py", "simulation/test_returns.py")),
    "services/rivals.py": Noticed(("services/test_rivals.py",)),
    "services/yearly.py": Noticed(("services/test_yearly.py",)),
    "services/two_years.py": Noticed(("services/test_two_years.py",)),
    "services/each.py": Noticed(("services/test_all_services.py",), "kept or cannot_be or both_lines or number_of"),
    "services/validated.py": Noticed(("services/test_all_services.py",), "each_figure or two_rows or no_service"),
    "services/backtest.py": Noticed(("services/test_all_services.py",), "by_hand or given_the_first or must_follow"),
    "services/targets.py": Noticed(("services/test_fit.py", "services/test_services.py"), "wait_for or contradicts or assumed or before_treatment or has_the_published"),
    "services/levers.py": Noticed(("services/test_fit.py",), "tried_small or shrink or off_is or contradicts or are_published"),
    "services/fit.py": Noticed(("services/test_fit.py",), "are_published or work_of or nothing_to"),
    "services/year.py": Noticed(("services/test_services.py",), "year or by_hand or months"),
    "services/own_service.py": Noticed(("services/test_own_service.py",)),
    "services/scenario_file.py": Noticed(("services/test_services.py",), "file or fitted or smaller"),
    "support/bounded.py": Noticed(("scenario/test_bounds.py",)),
    "support/columns.py": Noticed(("simulation/test_blocks.py",)),
    "support/statistics.py": Noticed(("support/test_ratio_of_means.py", "experiments/test_replicate.py", "experiments/test_compare.py", "clients/test_population.py"), "ratio or interval or by_hand or wilson or spread or removed"),
}  # fmt: skip
# What computes no figure: whatever goes wrong in it is an error, a wrong word or another speed.
_READS, _RUNS, _SAYS = (
    "reads, checks or names what was written",
    "decides who runs what and when; the answer does not depend on it",
    "says in words or as JSON what was computed or assumed",
)
NO_FIGURE: dict[str, str] = {
    "definitions/labels.py": _READS,
    "definitions/columns.py": _READS,
    "definitions/goals.py": _READS,
    "definitions/measures.py": _READS,
    "definitions/published.py": _READS,
    "definitions/quantities.py": _READS,
    "definitions/times.py": _READS,
    "engines/engine.py": _RUNS,
    "measures/arrow.py": _SAYS,
    "experiments/dask_workers.py": _RUNS,
    "experiments/in_short.py": _SAYS,
    "experiments/loop_thread.py": _RUNS,
    "experiments/rehearsal.py": _RUNS,
    "experiments/replicate.py": _RUNS,
    "experiments/rounds.py": _RUNS,
    "experiments/run_options.py": _RUNS,
    "experiments/tasks.py": _RUNS,
    "experiments/workers.py": _RUNS,
    "experiments/workload.py": _RUNS,
    "analysis/service_fit.py": _SAYS,
    "analysis/stress_checklist.py": _SAYS,
    "scenario/assumptions.py": _READS,
    "scenario/catalogue.py": _READS,
    "scenario/changes.py": _READS,
    "scenario/checks.py": _READS,
    "scenario/files.py": _READS,
    "scenario/in_words.py": _SAYS,
    "scenario/json_schema.py": _SAYS,
    "scenario/messages.py": _SAYS,
    "scenario/numbers.py": _READS,
    "scenario/outcome.py": _READS,
    "scenario/pathway.py": _READS,
    "scenario/population.py": _READS,
    "scenario/scenario.py": _READS,
    "scenario/service.py": _READS,
    "scenario/sources.py": _READS,
    "services/added_months.py": _READS,
    "services/own_figures.py": _READS,
    "services/questions.py": _SAYS,
    "services/monthly_file.py": _READS,
    "services/published.py": _READS,
    "support/compiled.py": _RUNS,
    "support/limits.py": _READS,
    "support/provenance.py": _SAYS,
    "support/row_table.py": _READS,
    "support/spreadsheets.py": _READS,
    "support/surroundings.py": _RUNS,
    "support/text_columns.py": _SAYS,
    "support/threads.py": _RUNS,
}
NO_FIGURE_AT_ALL = ("cli", "figures", "report", "runs")  # packages: commands, pictures, pages and files
