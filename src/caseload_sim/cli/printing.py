"""Results as tables on a terminal, readable at 80 columns."""

import numpy as np

from caseload_sim.measures.rows import Row

_BY_STEP = ("wait_days_mean", "wait_days_median", "wait_days_90th_percentile", "contacts_mean", "contacts_median",
            "utilisation", "waiting_list", "waiting_list_growth", "treatment_wait_days_mean")  # fmt: skip


def _fraction(row: Row) -> str:
    if np.isnan(row.denominator):
        return ""
    return f"of {row.denominator:,.0f}" if np.isnan(row.numerator) else f"{row.numerator:,.0f}/{row.denominator:,.0f}"
