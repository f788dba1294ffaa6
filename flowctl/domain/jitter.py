"""Random waiting times: draws from an exponential distribution, cut at both ends."""

from __future__ import annotations

import math
from random import Random


def clamped_poisson_interval(average: float, random: Random, clamping_factor: float = 0.3) -> float:
    """Draw a waiting time around `average`, so that those who wait do not come back together.

    average          seconds, > 0
    clamping_factor  no draw is above `average * (1 + clamping_factor)`; the lower bound lies so far below the median
                     that it cuts off as much probability on its side
    source           Prefect: utilities/math.clamped_poisson_interval
    """
    above = 1 + clamping_factor
    below = 0.0 if above >= 50 else math.log2(2**above / (2**above - 1))  # 2**50: the quotient is 1 in a float
    lowest, highest = -math.expm1(-below), -math.expm1(-above)
    return -math.log1p(-random.uniform(lowest, highest)) * average
