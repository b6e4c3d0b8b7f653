//! Small integer names: `u32` newtypes for things kept in tables, and the tables indexed by them.
//!
//! A peer, a city or a job is named by its row. [`id_type!`](crate::id_type) makes the newtype, [`IdVec`] the
//! table, and the compiler then refuses to look a city up by a peer. What the rows mean is the business of
//! other rooms.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A name that is a row number. Implemented by [`id_type!`](crate::id_type).
pub trait Id: Copy + Eq + Ord {
    /// The id of row `index`.
    ///
    /// # Panics
    /// If `index` does not fit 32 bits.
    fn from_index(index: usize) -> Self;
    /// The row of this id.
    fn index(self) -> usize;
}

/// Declares `u32` newtypes that name rows: `id_type! { /// A city. pub struct CityId; }`.
///
/// The type is `Copy`, ordered, hashable, transparent to serde, shows as its number and implements
/// `kernel::Id`.
#[macro_export]
macro_rules! id_type {
    ($($(#[$meta:meta])* $visibility:vis struct $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        $visibility struct $name(pub u32);

        impl $crate::kernel::ids::Id for $name {
            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("a table has at most 2^32 rows"))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}

/// A table whose rows are named by `I`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdVec<I, T> {
    rows: Vec<T>,
    id: PhantomData<fn(I) -> I>,
}

impl<I: Id, T> IdVec<I, T> {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: Vec::new(), id: PhantomData }
    }
    /// An empty table with room for `capacity` rows.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { rows: Vec::with_capacity(capacity), id: PhantomData }
    }
    /// Appends a row and returns its id.
    pub fn push(&mut self, row: T) -> I {
        let id = self.next_id();
        self.rows.push(row);
        id
    }
    /// The id that the next [`push`](Self::push) will return.
    #[must_use]
    pub fn next_id(&self) -> I {
        I::from_index(self.rows.len())
    }
    /// The number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// The row of `id`, if there is one.
    #[must_use]
    pub fn get(&self, id: I) -> Option<&T> {
        self.rows.get(id.index())
    }
    /// The row of `id` for change, if there is one.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.rows.get_mut(id.index())
    }
    /// All ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.rows.len()).map(I::from_index)
    }
    /// All rows in order, with their ids.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.rows.iter().enumerate().map(|(index, row)| (I::from_index(index), row))
    }
    /// All rows in order for change, with their ids.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (I, &mut T)> + ExactSizeIterator {
        self.rows.iter_mut().enumerate().map(|(index, row)| (I::from_index(index), row))
    }
    /// All rows in order.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }
    /// All rows in order for change.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.rows.iter_mut()
    }
    /// The rows as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.rows
    }
}

impl<I: Id, T> Default for IdVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}
impl<I: Id, T> From<Vec<T>> for IdVec<I, T> {
    fn from(rows: Vec<T>) -> Self {
        Self { rows, id: PhantomData }
    }
}
impl<I: Id, T> FromIterator<T> for IdVec<I, T> {
    fn from_iter<S: IntoIterator<Item = T>>(rows: S) -> Self {
        Self::from(rows.into_iter().collect::<Vec<T>>())
    }
}
impl<I: Id, T> Index<I> for IdVec<I, T> {
    type Output = T;
    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}
impl<I: Id, T> IndexMut<I> for IdVec<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.index()]
    }
}
impl<I: Id + fmt::Debug, T: fmt::Debug> fmt::Debug for IdVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    id_type! {
        /// A row of the test table.
        struct RowId;
    }

    #[test]
    fn push_names_rows_in_order() {
        let mut table = IdVec::<RowId, &str>::new();
        assert_eq!(table.next_id(), RowId(0));
        let a = table.push("a");
        let b = table.push("b");
        table[a] = "A";
        assert_eq!((table[a], table[b]), ("A", "b"));
        assert_eq!(table.get(RowId(2)), None);
        assert_eq!(table.iter().map(|(id, row)| (id.0, *row)).collect::<Vec<_>>(), [(0, "A"), (1, "b")]);
        assert_eq!(table.ids().rev().map(|id| id.to_string()).collect::<Vec<_>>(), ["1", "0"]);
        assert_eq!(format!("{table:?}"), r#"{RowId(0): "A", RowId(1): "b"}"#);
    }

    #[test]
    fn ids_are_transparent_to_serde() {
        assert_eq!(serde_json::to_string(&RowId(7)).unwrap(), "7");
        assert_eq!(serde_json::from_str::<RowId>("7").unwrap(), RowId(7));
    }
}
