"""Inputs: sequences by formula, the yearly sunspot numbers and a net trained on them, a reader's CSV file."""

from gradprod.inputs.csv_file import MAX_BYTES, MAX_ROWS, csv_columns, read_csv
from gradprod.inputs.sequences import INPUT_KINDS, MAX_LENGTH, SUNSPOTS, make_input, max_length
from gradprod.inputs.series import Series, standardise
from gradprod.inputs.trained import trained_weights

__all__ = [
    "INPUT_KINDS",
    "MAX_BYTES",
    "MAX_LENGTH",
    "MAX_ROWS",
    "SUNSPOTS",
    "Series",
    "csv_columns",
    "make_input",
    "max_length",
    "read_csv",
    "standardise",
    "trained_weights",
]
