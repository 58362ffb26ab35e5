//! Rows of a batch with equal values: what a function says of a value it says of each row that has it, so it is asked once for each.
//!
//! Extracts hold few kinds of crime, months, small areas and outcomes in many rows. The rows of a column are put into classes of equal
//! values once for each batch; all expressions that read it share them, and what comes of an expression has the classes of what it read.

use std::cell::RefCell;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, UInt32Array};
use arrow::compute;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use rustc_hash::FxHashMap;

/// Rows of a batch that are looked at first, and how many rows a class must have on average so that working by classes pays.
const AHEAD: usize = 512;
const LARGE: usize = 3;

/// The rows of a column by their values.
#[derive(Debug)]
pub(crate) struct Classes {
    /// The class of each row.
    of: UInt32Array,
    /// The first row of each class, in the order of the rows.
    firsts: UInt32Array,
}

impl Classes {
    /// The classes of a column; `None` where its rows are too different, or of a type that is not asked for.
    fn of(array: &ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                Self::by(texts.len(), |row| texts.is_valid(row).then(|| texts.value(row)))
            }
            DataType::Float64 => Self::primitive::<Float64Type, _>(array, f64::to_bits),
            DataType::Int32 => Self::primitive::<Int32Type, _>(array, |v| v),
            DataType::Int64 => Self::primitive::<Int64Type, _>(array, |v| v),
            DataType::Date32 => Self::primitive::<Date32Type, _>(array, |v| v),
            DataType::Timestamp(..) => {
                let values = array.as_primitive_opt::<TimestampMicrosecondType>()?;
                Self::by(values.len(), |row| values.is_valid(row).then(|| values.value(row)))
            }
            DataType::Boolean => {
                let values = array.as_boolean();
                Self::by(values.len(), |row| values.is_valid(row).then(|| values.value(row)))
            }
            _ => None,
        }
    }

    fn primitive<T: ArrowPrimitiveType, K: Hash + Eq + Copy>(
        array: &ArrayRef,
        key: impl Fn(T::Native) -> K,
    ) -> Option<Self> {
        let values = array.as_primitive::<T>();
        Self::by(values.len(), |row| values.is_valid(row).then(|| key(values.value(row))))
    }

    fn by<K: Hash + Eq + Copy>(rows: usize, value: impl Fn(usize) -> K) -> Option<Self> {
        if rows < AHEAD {
            return None;
        }
        let mut known: FxHashMap<K, u32> = FxHashMap::default();
        let (mut of, mut firsts) = (Vec::with_capacity(rows), Vec::new());
        // Values repeat from row to row, and to compare is cheaper than to search.
        let mut last: Option<(K, u32)> = None;
        for row in 0..rows {
            let value = value(row);
            let class = match last {
                Some((before, class)) if before == value => class,
                _ => *known.entry(value).or_insert_with(|| {
                    firsts.push(row as u32);
                    firsts.len() as u32 - 1
                }),
            };
            last = Some((value, class));
            of.push(class);
            if row + 1 == AHEAD && firsts.len() * LARGE > AHEAD {
                return None;
            }
        }
        (firsts.len() * LARGE <= rows).then(|| Self { of: of.into(), firsts: firsts.into() })
    }

    /// The rows that are equal in this and another column.
    fn and(&self, other: &Self) -> Option<Self> {
        let (one, two) = (self.of.values(), other.of.values());
        Self::by(one.len(), |row| (one[row], two[row]))
    }

    /// The first row of each class.
    pub(crate) fn firsts(&self) -> &UInt32Array {
        &self.firsts
    }

    /// Rows of each class.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![0; self.firsts.len()];
        self.of.values().iter().for_each(|class| sizes[*class as usize] += 1);
        sizes
    }

    /// One value for each class, as a column of all rows.
    pub(crate) fn spread(&self, values: &ArrayRef) -> Option<ArrayRef> {
        compute::take(values, &self.of, None).ok()
    }
}

/// A column, and its classes if it has any.
type Known = (ArrayRef, Option<Rc<Classes>>);

/// The classes of the columns of one batch, as far as somebody asked for them; by where each column lies.
#[derive(Debug, Default)]
pub(crate) struct KnownClasses(RefCell<FxHashMap<usize, Known>>);

impl KnownClasses {
    /// The classes of a column.
    pub(crate) fn of(&self, array: &ArrayRef) -> Option<Rc<Classes>> {
        let at = place(array);
        if let Some((_, known)) = self.0.borrow().get(&at) {
            return known.clone();
        }
        let found = Classes::of(array).map(Rc::new);
        self.0.borrow_mut().insert(at, (Arc::clone(array), found.clone()));
        found
    }

    /// The classes of rows that are equal in all of some columns.
    pub(crate) fn of_all(&self, columns: &[ArrayRef]) -> Option<Rc<Classes>> {
        let mut all: Option<Rc<Classes>> = None;
        for column in columns {
            let own = self.of(column)?;
            all = Some(match all {
                Some(all) => Rc::new(all.and(&own)?),
                None => own,
            });
        }
        all
    }

    /// Says what the classes of a column are that was made by classes.
    pub(crate) fn learn(&self, array: &ArrayRef, classes: Rc<Classes>) {
        self.0.borrow_mut().insert(place(array), (Arc::clone(array), Some(classes)));
    }
}

/// Where a column lies: it stays there, and no other comes there, while it is held.
fn place(array: &ArrayRef) -> usize {
    Arc::as_ptr(array).cast::<()>().addr()
}
