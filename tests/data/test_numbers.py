"""Numbers as files write them, worked out by hand; what can be two numbers is never chosen silently."""

import math

import polars as pl
import pytest

from argosy.data.numbers import decimal_of, numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("texts", "decimal", "values", "bad"),
    [
        (["1", " 2.5 ", "-3e2"], ".", [1, 2.5, -300], []),
        (["1,234.5", "1,234,567", "12,34,567.8"], ".", [1234.5, 1234567, 1234567.8], []),
        (["$3.10", "2.5M", "10 k", "1B"], ".", [3.1, 2.5e6, 1e4, 1e9], []),
        (["", ".", "NaN", "n/a", "-", "null", "7"], ".", [NAN] * 6 + [7], []),
        (["inf", "1e999", "one", "1,23", "1 2", "4"], ".", [NAN] * 5 + [4], [0, 1, 2, 3, 4]),
        (["1.234,5", "1.000", "12,5", "7", "12.5"], ",", [1234.5, 1000, 12.5, 7, NAN], [4]),
    ],
)
def test_texts(texts, decimal, values, bad):
    found, wrong = numbers(pl.Series(texts), decimal)
    assert [v if v == v else None for v in found.tolist()] == [v if not math.isnan(v) else None for v in map(float, values)]
    assert [i for i, w in enumerate(wrong.tolist()) if w] == bad


def test_columns_that_are_numbers_already():
    found, wrong = numbers(pl.Series([1, None, 3]))
    assert found[0] == 1 and math.isnan(found[1]) and not wrong.any()
    found, wrong = numbers(pl.Series([1.0, float("inf")]))
    assert math.isnan(found[1]) and wrong.tolist() == [False, True]


@pytest.mark.parametrize(
    ("columns", "delimiter", "decimal"),
    [
        ([["1.5", "2"]], ";", "."),
        ([["1,5", "2"]], ";", ","),
        ([["1,234"], ["3,25"]], ";", ","),  # one column tells for the other
        ([["1,234"], ["1,234.5"]], ";", "."),
        ([["1,234", "112,345"]], ";", ""),  # nothing tells
        ([["1,234"]], ",", "."),  # in quotes between commas: thousands
        ([["0,123"]], ";", ","),
        ([["1.234,50"]], ",", ","),
        ([["1,234,567"]], ";", "."),
    ],
)
def test_what_parts_the_decimals(columns, delimiter, decimal):
    assert decimal_of([pl.Series(column) for column in columns], delimiter) == decimal
