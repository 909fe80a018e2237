"""Input sequences: by formula, the sunspot numbers, a reader's CSV."""

import math
import subprocess
import sys

import numpy as np
import pytest

from gradprod.inputs import (
    INPUT_KINDS,
    MAX_BYTES,
    MAX_LENGTH,
    MAX_ROWS,
    SUNSPOTS,
    csv_columns,
    make_input,
    max_length,
    read_csv,
    standardise,
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("zero", [0, 0, 0, 0, 0]),
        ("constant", [1, 1, 1, 1, 1]),
        ("impulse", [1, 0, 0, 0, 0]),
        ("step", [0, 0, 1, 1, 1]),
        ("sine", [math.sin(math.pi * t / 10) for t in range(1, 6)]),
        ("sunspots", [5, 11, 16, 23, 36]),
    ],
)
def test_each_kind_has_its_values(kind, expected):
    np.testing.assert_allclose(make_input(kind, 5), expected, rtol=1e-15)
    np.testing.assert_allclose(make_input(kind, 5, size=-2.5), -2.5 * np.array(expected), rtol=1e-15)


def test_options():
    assert make_input("impulse", 4, at=3).tolist() == [0, 0, 1, 0]
    assert make_input("step", 4, at=2).tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(make_input("sine", 4, period=4), [1, 0, -1, 0])  # no 1.2e-16


def test_noise_is_seeded_standard_and_begins_alike():
    long = make_input("noise", 100_000)
    np.testing.assert_array_equal(make_input("noise", 50), long[:50])
    assert abs(long.mean()) < 4 / math.sqrt(1e5)
    assert abs(long.var() - 1) < 4 * math.sqrt(2 / 1e5)
    assert abs(np.corrcoef(long[1:], long[:-1])[0, 1]) < 4 / math.sqrt(1e5)
    several = make_input("noise", 50, seed=[7, 8])
    assert several.shape == (2, 50)
    np.testing.assert_array_equal(several[0], long[:50])
    assert not np.any(several[1] == several[0])


def test_the_sunspot_numbers_are_the_published_ones():
    assert (SUNSPOTS.name, len(SUNSPOTS.values)) == ("sunspot_number", 309)
    year = dict(zip(range(1700, 2009), SUNSPOTS.values, strict=True))
    assert [year[y] for y in (1700, 1749, 1810, 1957, 1988, 2008)] == [5, 80.9, 0, 190.2, 100.2, 2.9]
    assert max(year, key=year.get) == 1957
    assert round(float(SUNSPOTS.values.sum()), 1) == 15373.4
    assert not SUNSPOTS.standardised


def test_standardising_is_a_choice():
    scaled = standardise(SUNSPOTS)
    assert scaled.standardised
    assert abs(scaled.values.mean()) < 1e-14
    assert abs(np.mean(scaled.values**2) - 1) < 1e-14
    exact = (5 - np.mean(SUNSPOTS.values)) / np.std(SUNSPOTS.values)
    assert make_input(scaled, 3)[0] == pytest.approx(exact, rel=1e-14)
    huge = read_csv(b"-1e300\n1e300\n")
    np.testing.assert_allclose(standardise(huge).values, [-1, 1])
    with pytest.raises(ValueError, match=r"two different values to be standardised, got 4 throughout"):
        standardise(read_csv(b"4\n4\n"))


def test_a_series_is_neither_repeated_nor_cut():
    assert max_length("sunspots") == 309
    assert max_length("sine") == MAX_LENGTH
    assert max_length(read_csv(b"1\n2\n")) == 2
    assert len(make_input("sunspots", 309)) == 309
    with pytest.raises(
        ValueError,
        match='length must be an integer from 1 to 309, got 310; "sunspot_number" has 309 values: shorten',
    ):
        make_input("sunspots", 310)
    with pytest.raises(ValueError, match=r'from 1 to 2, got 3; "a" has 2 values'):
        make_input(read_csv(b"a\n1\n2\n"), 3)


@pytest.mark.parametrize("kind", INPUT_KINDS)
@pytest.mark.parametrize("length", [0, -1, 2.5, "3", True, None, math.nan])
def test_every_kind_refuses_a_length_that_is_none(kind, length):
    with pytest.raises(
        ValueError, match=r"length must be an integer from 1 to \d+, got .*; steps are counted"
    ):
        make_input(kind, length)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"kind": "noise", "length": 100_001},
            "length must be an integer from 1 to 100000, got 100001; shorten",
        ),
        ({"kind": "sinus"}, "kind must be one of zero, constant, .* or a Series, got 'sinus'; choose one"),
        ({"kind": "sine", "period": 0}, "period must be above 0 steps, got 0; 20 gives"),
        ({"kind": "sine", "period": math.inf}, "period must be a finite number, got inf; give"),
        ({"kind": "sine", "size": math.nan}, "size must be a finite number, got nan; give"),
        ({"kind": "impulse", "at": 6}, "at must be an integer from 1 to 5, got 6; the sequence ends there"),
        ({"kind": "step", "at": 0}, "at must be an integer from 1 to 5, got 0; steps are counted from 1"),
        ({"kind": "noise", "seed": -1}, "seed must be an integer of 0 or more, or several, got -1; 7"),
        ({"kind": "noise", "seed": 1.5}, "seed must be an integer of 0 or more, or several, got 1.5; 7"),
        ({"kind": "noise", "seed": []}, r"seed must be an integer of 0 or more, or several, got \[\]; 7"),
    ],
)
def test_wrong_arguments_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_input(**{"length": 5, **arguments})


@pytest.mark.parametrize(
    ("text", "column", "name", "values", "rows"),
    [
        ("1\n2.5\n-3e2\n", None, "column 1", [1, 2.5, -300], [1, 2, 3]),
        ("x\n.5\n+1.\n\n\n", None, "x", [0.5, 1], [2, 3]),
        ("# from a log\n# twice\n\nx\n1\n2\n", None, "x", [1, 2], [5, 6]),
        ("year,count\n1700,5\n1701,11\n", "count", "count", [5, 11], [2, 3]),
        ("year;count\r\n1700;5.5\r\n1701;11\r\n", 1, "year", [1700, 1701], [2, 3]),
        ("year\tcount\r1700\t5\r1701\t11", 2, "count", [5, 11], [2, 3]),
        ('"a;b", "c,d"\n1, 2\n', "c,d", "c,d", [2], [2]),
        ("2001,2002\n1,2\n", "2002", "2002", [2], [2]),
        ("2001,2002\n1,2\n", 2, "column 2", [2002, 2], [1, 2]),
        ("city,2001\nRome,3\n", "2001", "2001", [3], [2]),
        ("\ufefftemp\n1e-300\n", None, "temp", [1e-300], [2]),
        (",v\n0,7\n", "v", "v", [7], [2]),
    ],
)
def test_a_csv_is_read_as_it_stands(tmp_path, text, column, name, values, rows):
    path = tmp_path / "readings.csv"
    path.write_bytes(text.encode())
    for data in (text.encode(), path, str(path)):
        series = read_csv(data, column)
        assert (series.name, series.values.tolist(), series.rows.tolist()) == (name, values, rows)
        assert not series.standardised


def test_columns_are_listed():
    assert csv_columns(b"year;count\n1;2\n") == ("year", "count")
    assert csv_columns(b"1,2,3\n") == ("column 1", "column 2", "column 3")
    assert csv_columns(b"a,,c\n1,2,3\n") == ("a", "column 2", "c")


@pytest.mark.parametrize(
    ("data", "column", "sentence"),
    [
        (b"", None, "the file is empty; give it a header and at least one number"),
        (b"\n \r\n# nothing\n", None, "the file is empty; give"),
        (b"x\n", None, 'the file has no row under its header "x"; add at least one number'),
        (b"x\n1\nnan\n", None, 'row 3, column "x": "nan" is not a finite number; correct it'),
        (b"NaN\n1\n", None, 'row 1, column "column 1": "NaN" is not a finite'),
        (b"x\n-inf\n", None, 'row 2, column "x": "-inf" is not a finite'),
        (b"x\n1\nsunny\n", None, 'row 3, column "x": "sunny" is not a finite'),
        (b"x\n1_000\n", None, '"1_000" is not a finite'),
        ("x\n１２\n".encode(), None, '"１２" is not a finite'),
        (b"x\n1e999\n", None, '"1e999" is too large, the largest number is 1.8e308; rescale the column'),
        (b'x\n"3,14"\n', None, '"3,14" has a comma in the number; write decimals with a point, as in 3.14'),
        (b"x;y\n1;3,14\n", "y", '"3,14" has a comma in the number'),
        (b'x\n"1,234.5"\n', None, '"1,234.5" has a comma in the number'),
        (b"x\n1\n3,14\n", None, r'row 3 has 2 cells \("3,14"\) where row 1 has 1; make the rows alike'),
        (b"x,y\n1,2\n3\n", "x", r'row 3 has 1 cell \("3"\) where row 1 has 2; make'),
        (b"x,y\n1,2\n3,\n", "y", 'row 3, column "y" is empty; write its value or take the row out'),
        (b"x\n1\n\n2\n", None, "row 3 is empty; write its value or take the row out"),
        (b"x\n" + b"z" * 80 + b"\n", None, '"z{39}…" is not a finite number'),
        (b"x,y\n1,2\n", None, 'column must be given, since the file has 2: "x", "y"; take "y", for instance'),
        (b"x,y\n1,2\n", "z", 'column "z" is not in the file; choose one of "x", "y" by name or by number'),
        (b"x,x\n1,2\n", "x", 'column "x" stands 2 times in the file; choose'),
        (b"x,y\n1,2\n", 3, 'column must be from 1 to 2, got 3; the columns are "x", "y"'),
        (b"x,y\n1,2\n", 0, "column must be from 1 to 2, got 0; the columns are"),
        (b'x\n"1\n2\n', None, r"row 2 can’t be read as CSV \(unexpected end of data\); check"),
        (b"x\n1\n\xe9\n", None, "the file is not UTF-8 text: row 3 has the byte 0xE9; save"),
        (b"\x89PNG\r\n\x1a\n", None, "the file is not UTF-8 text: row 1 has the byte 0x89"),
        (b"x\n1\x00\n", None, "the file is not UTF-8 text: row 2 has the byte 0x00"),
        ("x\n1\n".encode("utf-16"), None, "the file is not UTF-8 text: row 1 has the byte 0xFF"),
        (b"1\n" * (MAX_ROWS + 2), None, "has 100002 rows of numbers, .* cut it before row 100001"),
        (b"1" * (MAX_BYTES + 100_000), None, "the file has 5.1 MB, and at most 5 MB are read; keep only"),
    ],
)  # fmt: skip
def test_each_fault_in_a_csv_has_its_sentence(data, column, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        read_csv(data, column)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250


def test_the_limits_themselves_are_read(tmp_path):
    assert len(read_csv(b"x\n" + b"1\n" * MAX_ROWS).values) == MAX_ROWS
    path = tmp_path / "wide.csv"
    path.write_bytes(b"#" * (MAX_BYTES - 5) + b"\nx\n1\n")
    assert read_csv(path).values.tolist() == [1]


def test_inputs_need_numpy_alone():
    code = "import sys, gradprod.inputs; print({'plotly', 'traitlets', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
