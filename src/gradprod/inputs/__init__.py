"""Input sequences: made by formula, the yearly sunspot numbers, or a reader's CSV file."""

from gradprod.inputs.csv_file import MAX_BYTES, MAX_ROWS, csv_columns, read_csv
from gradprod.inputs.sequences import INPUT_KINDS, MAX_LENGTH, SUNSPOTS, make_input, max_length
from gradprod.inputs.series import Series, standardise

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
]
