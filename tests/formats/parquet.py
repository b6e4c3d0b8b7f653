"""Checks that the Parquet tables of a sweep have what its CSV tables have: parquet.py FOLDER."""

import sys
from pathlib import Path

import polars


def check(folder: Path, name: str) -> None:
    """Compares a table in both forms, column by column."""
    ours = polars.read_parquet(folder / f"{name}.parquet")
    schema = dict(zip(ours.columns, ours.dtypes, strict=True))
    text = polars.read_csv(folder / f"{name}.csv", schema_overrides=schema, null_values=["NaN"])
    assert ours.columns == text.columns, (ours.columns, text.columns)
    for column in ours.columns:
        # An empty text and a missing one are the same in CSV.
        one, other = ours[column], text[column]
        if one.dtype == polars.String:
            one, other = one.fill_null(""), other.fill_null("")
        assert one.equals(other), (name, column, one, other)
    print(f"{name}: {len(ours)} rows, {len(ours.columns)} columns")


for table in ["cells", "summary"]:
    check(Path(sys.argv[1]), table)
