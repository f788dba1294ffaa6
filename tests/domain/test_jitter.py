from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.domain.jitter import clamped_poisson_interval


@settings(deadline=None)
@given(average=st.floats(0.1, 1e4), factor=st.floats(0.05, 5), seed=st.integers())
def test_draws_stay_below_the_upper_bound(average, factor, seed):
    drawn = clamped_poisson_interval(average, Random(seed), factor)
    assert 0 <= drawn <= average * (1 + factor) * 1.000001


@pytest.mark.parametrize("factor", [0.3, 1.0, 60.0])
def test_draws_are_spread_around_the_average(factor):
    random = Random(7)
    draws = [clamped_poisson_interval(10, random, factor) for _ in range(4000)]
    assert 8 < sum(draws) / len(draws) < 11
    assert len({round(draw, 6) for draw in draws}) > 3000
