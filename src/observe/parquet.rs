//! Tables as Parquet, for those that are too long to be read as text again and again.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use serde::Serialize;
use serde_json::Value;

use super::csv_text;
use super::sweep::{Field, Table};

/// Flat records as a table, with the names of their fields above. Without records it has no columns.
///
/// # Panics
/// If a row is no flat record of numbers and texts.
pub fn table_of<R: Serialize>(rows: &[R]) -> Table<'static> {
    let text = csv_text(rows.iter().take(1));
    let header: Vec<String> = text.lines().next().unwrap_or_default().split(',').map(str::to_owned).collect();
    let field = |value: Option<&Value>| match value {
        Some(Value::String(text)) => Field::Text(text.clone().into()),
        Some(Value::Number(number)) if number.is_u64() => Field::Whole(number.as_u64().unwrap_or(0)),
        value => Field::Number(value.and_then(Value::as_f64)),
    };
    let row = |row: &R| {
        let record = serde_json::to_value(row).expect("a row is flat");
        header.iter().map(|name| field(record.get(name))).collect()
    };
    Table { rows: rows.iter().map(row).collect(), header: header.clone() }
}

/// A table as the bytes of a Parquet file: texts, whole numbers without a sign, and numbers that may be missing, by
/// what stands in the first row. The same table gives the same bytes.
///
/// # Panics
/// If the rows of the table are not as long as its header.
#[must_use]
pub fn parquet_bytes(table: &Table<'_>) -> Vec<u8> {
    let columns =
        table.header.iter().enumerate().map(|(place, name)| (name.clone(), column(table, place), true));
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns).expect("the columns are as long as each other");
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))
        .expect("texts and numbers have a form in Parquet");
    writer.write(&batch).expect("memory takes all of it");
    writer.close().expect("memory takes all of it");
    bytes
}

fn column(table: &Table<'_>, place: usize) -> ArrayRef {
    let fields = || table.rows.iter().map(|row| &row[place]);
    match fields().next() {
        Some(Field::Whole(_)) => Arc::new(UInt64Array::from_iter(fields().map(|field| match field {
            Field::Whole(number) => Some(*number),
            _ => None,
        }))),
        Some(Field::Number(_)) => Arc::new(Float64Array::from_iter(fields().map(|field| match field {
            Field::Number(number) => number.filter(|number| number.is_finite()),
            _ => None,
        }))),
        _ => Arc::new(StringArray::from_iter(fields().map(|field| match field {
            Field::Text(text) => Some(&**text),
            _ => None,
        }))),
    }
}
