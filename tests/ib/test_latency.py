"""Percentiles of the newest latencies, against another implementation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from theo.adapters.ib.latency import WINDOW, Latencies


@given(st.lists(st.integers(-(10**6), 10**7), min_size=1, max_size=2 * WINDOW))
def test_percentiles_are_those_of_the_newest(values: list[int]) -> None:
    made = Latencies()
    made.add("another", 5)
    for each in values:
        made.add("ib:tbt", each)
    told = made.told()
    assert told is not None
    newest = values[-WINDOW:]
    expected = [int(np.percentile(newest, each, method="inverted_cdf")) for each in (50, 95, 99)]
    assert [told.p50, told.p95, told.p99, told.count] == [*expected, len(newest)]
