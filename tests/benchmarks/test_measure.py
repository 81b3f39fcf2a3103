"""What is measured is what was done: ratios, floors, growth, memory; and what cannot be measured says so."""

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measure import exponent, measure, profile
from benchmarks.row import FLOOR, GROWTH, SECONDS, Missing, Row, Work

MATRIX = torch.rand(400, 400)


def multiply(times: int):
    def call() -> None:
        for _ in range(times):
            MATRIX @ MATRIX

    return call


def found(ways, over="other", *, bar=None, clock=None, least=7, **work):
    result = measure(Row("a row", lambda: Work(ways, **work), over=over, bar=bar, clock=clock, least=least))
    assert not result["fault"], result["fault"]
    return result


def test_a_sleep_shows_in_the_ratio():
    ways = {"ours": lambda: time.sleep(0.06), "other": lambda: time.sleep(0.02)}
    result = found(ways, bar=1.5, clock="wall")
    assert 2 < result["figure"] < 4.5 and result["holds"] is False
    assert found(dict(reversed(ways.items())), over="ours", bar=1.5, clock="wall")["holds"] is True


def test_a_sleep_is_no_work_of_the_processor():
    result = found({"ours": lambda: time.sleep(0.03), "other": multiply(2)})
    own = result["ways"]["ours"]
    assert own["cpu"][1] < 0.01 < 0.03 <= own["wall"][1]


def test_three_times_the_work_costs_three_times_as_much():
    result = found({"ours": multiply(60), "other": multiply(20)}, bar=2)
    first, middle, third = result["ways"]["ours"]["cpu"]
    assert first <= middle <= third and result["spread"][0] <= result["figure"] <= result["spread"][1]
    assert 2 < result["figure"] < 4.5 and result["holds"] is False


def test_a_part_of_the_work_counts_as_often_as_it_is_part_of_the_whole():
    result = found({"ours": multiply(40), "other": multiply(10)}, times={"other": 4})
    assert 0.7 < result["figure"] < 1.5


def test_the_floor_is_the_work_at_the_rate_of_the_best_product():
    a, flops = torch.rand(2048, 2048), 2 * 2048**3

    def product() -> None:
        a.mm(a)

    result = found({"ours": product}, FLOOR, flops=flops)
    assert 0.9 < result["figure"] < 2
    best, median = result["product"]
    assert best >= median and result["floor"] == pytest.approx(flops / best / 1e9)


def test_ways_that_find_something_else_are_refused():
    ways = {"ours": lambda: torch.ones(3), "other": lambda: torch.ones(2) * 1.01}
    assert "not close" in measure(Row("a row", lambda: Work(ways), over="other"))["fault"]
    assert not found({"ours": lambda: torch.ones(3), "other": lambda: torch.ones(2)})["fault"]
    lists = {"ours": lambda: [1, 2], "other": lambda: [2]}
    assert "other results" in measure(Row("a row", lambda: Work(lists), over="other"))["fault"]


def test_what_cannot_be_measured_says_why():
    def nothing():
        raise Missing("there is no film")

    def broken():
        raise KeyError("a name")

    assert measure(Row("a row", nothing))["fault"] == "there is no film"
    result = measure(Row("a row", broken))
    assert "KeyError: 'a name'" in result["fault"] and result["holds"] is None


@given(st.floats(0.2, 3), st.floats(1e-3, 10), st.lists(st.integers(1, 100), min_size=2, max_size=4, unique=True))
def test_the_exponent_of_a_power_is_its_own(power, unit, sizes):
    sizes = sorted(sizes)
    assert exponent(sizes, [unit * size**power for size in sizes]) == pytest.approx(power)


def test_the_steepest_step_counts():
    assert exponent([1, 10, 100], [1, 2, 200]) == pytest.approx(2)


def test_growth_is_measured_in_time_and_in_memory():
    kept = torch.ones(1)

    def hold(megabytes: int):
        def call() -> None:
            nonlocal kept
            kept = torch.ones(megabytes * 250_000)
            kept = torch.ones(1)

        return call

    row = Row("a row", lambda: Work({"1": hold(40), "2": hold(800)}, sizes={"1": 1, "2": 20}), over=GROWTH)
    result = measure(Row(row.name, row.build, GROWTH, bar=9, memory_bar=1.2))
    assert result["memory_figure"] > 1.2 and result["holds"] is False and result["figure"] > 0.5
    level = measure(Row(row.name, lambda: Work({"1": hold(40), "2": hold(40)}, sizes={"1": 1, "2": 20}), GROWTH, bar=9))
    assert level["holds"] is True


def test_seconds_are_those_of_the_slowest_way():
    result = found({"quick": multiply(1), "slow": multiply(40)}, over=SECONDS, bar=1e-9)
    assert result["figure"] == result["ways"]["slow"]["cpu"][1] and result["profile"]


def test_a_profile_shares_out_all_of_the_time():
    shares = profile(multiply(40))
    assert shares[0][0] == "aten::mm" and shares[-1][0] == "outside PyTorch's operators"
    assert 0.95 < sum(share for _, share in shares) <= 1.001
    assert dict(profile(lambda: sum(range(3_000_000))))["outside PyTorch's operators"] > 0.9


def test_on_more_threads_a_bar_over_the_floor_allows_a_fifth_more():
    def build():
        a = torch.randn(64, 64)
        return Work({"ours": lambda: a @ a}, flops=2 * 64**3)

    assert measure(Row("product", build, bar=10.0), threads=1)["bar"] == 10.0
    assert measure(Row("product", build, bar=10.0), threads=2)["bar"] == 12.0
    beside = Row("product", lambda: Work({"ours": multiply(1), "other": multiply(1)}), over="other", bar=10.0)
    assert measure(beside, threads=2)["bar"] == 10.0
