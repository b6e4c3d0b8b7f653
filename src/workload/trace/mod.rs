//! Traces of jobs and lists of machines: text files that are read row by row.

pub mod columns;
pub mod lines;
