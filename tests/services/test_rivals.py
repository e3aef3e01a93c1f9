"""What a model is held against: errors, correlations, other services' means and lines, by hand and one service after the other."""

import numpy as np
import pytest

from caseload_sim.draws.streams import Draws
from caseload_sim.services.rivals import (
    correlation,
    lines_of_others,
    mean_absolute_error,
    means_of_others,
    ratio_of_errors,
)

NAN = float("nan")


def test_errors_by_hand() -> None:
    assert mean_absolute_error(np.array([1.0, 5.0, NAN]), np.array([2.0, 2.0, 7.0])) == (1 + 3) / 2
    assert np.isnan(mean_absolute_error(np.array([NAN]), np.array([1.0])))


def test_correlation_by_hand() -> None:
    """(1, 2, 4) and (2, 1, 6): sums of products of distances from the means are 7, and of squares 14/3 and 14."""
    one, other = np.array([1.0, 2.0, 4.0, NAN]), np.array([2.0, 1.0, 6.0, 9.0])
    assert correlation(one, other) == pytest.approx(7 / np.sqrt(14 / 3 * 14))
    assert np.isnan(correlation(one[:2], other[:2])), "two points always lie on a line"
    assert np.isnan(correlation(np.ones(4), other))


def test_the_mean_of_the_others_leaves_out_ones_own() -> None:
    assert means_of_others(np.array([1.0, 2.0, 6.0])).tolist() == [4.0, 3.5, 1.5]
    assert means_of_others(np.array([1.0, NAN, 6.0])).tolist() == [6.0, 3.5, 1.0]
    assert np.isnan(means_of_others(np.array([1.0]))).all()


def test_the_line_of_the_others_is_that_of_a_fit_without_each() -> None:
    rng = np.random.default_rng(1)
    covariates, noise = rng.normal(size=(12, 2)) * [1, 1000], rng.normal(size=12)
    values = 3 + covariates @ [2.0, -0.001] + noise
    design = np.column_stack([np.ones(12), covariates])
    by_hand = []
    for k in range(12):
        left = np.arange(12) != k
        by_hand.append(design[k] @ np.linalg.lstsq(design[left], values[left], rcond=None)[0])
    assert lines_of_others(covariates, values) == pytest.approx(np.array(by_hand))


def test_a_line_that_is_exact_predicts_exactly_and_gaps_are_left_out() -> None:
    x = np.array([[1.0], [2.0], [3.0], [5.0], [NAN]])
    values = np.array([10.0, 20.0, NAN, 50.0])
    found = lines_of_others(x[:4], values)
    assert found[[0, 1, 3]] == pytest.approx([10.0, 20.0, 50.0])
    assert np.isnan(found[2])
    with_gap = lines_of_others(x, np.array([10.0, 20.0, 30.0, 50.0, 27.5]))
    assert with_gap == pytest.approx([10.0, 20.0, 30.0, 50.0, 27.5]), "who has no covariate stands at its mean, 2.75"


def test_too_few_services_have_no_line() -> None:
    assert np.isnan(lines_of_others(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))).all()


def test_who_alone_has_something_is_not_predicted_from_it() -> None:
    """Only the first service differs in the covariate: without it there is no slope."""
    found = lines_of_others(np.array([[1.0], [0.0], [0.0], [0.0]]), np.array([9.0, 1.0, 2.0, 3.0]))
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([2.5, 2.0, 1.5])


def test_the_ratio_of_errors_and_its_interval() -> None:
    rival = np.array([1.0, 2.0, 3.0, 4.0, NAN])
    ratio, low, high = ratio_of_errors(0.8 * rival, rival, Draws(0, 0))
    assert (ratio, low, high) == pytest.approx((0.8, 0.8, 0.8)), "the same for everybody, so whoever is drawn"
    ours = np.array([0.0, 4.0] * 50)
    ratio, low, high = ratio_of_errors(ours, np.full(100, 2.0), Draws(0, 0))
    # A mean of 100 that are 0 or 2 times the rival: 1, with a standard error of 0.1.
    assert ratio == 1
    assert (low, high) == pytest.approx((1 - 1.96 * 0.1, 1 + 1.96 * 0.1), abs=0.025)
    assert np.isnan(ratio_of_errors(ours[:0], ours[:0], Draws(0, 0))).all()
    assert np.isnan(ratio_of_errors(ours, 0 * ours, Draws(0, 0))).all()
