//! The SQL functions of linkage. They read encodings and give numbers; none sees clear text. Those that hold the rules,
//! the cuts or the model are bound to the session that links.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, Float32Array, ListArray, PrimitiveArray, StructArray, UInt32Array,
    UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, UInt8Type, UInt32Type, UInt64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use pulp::Arch;

use crate::blocking::{COLUMNS, Row, Rules, mix};
use crate::comparison::{self, Cuts, Names, at};
use crate::model::{Counts, Logs, Model};

/// Encodings that `block_keys` and `row_mark` take before their plain tokens.
const ENCODINGS: usize = 7;

type Body = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

fn define(name: &str, takes: Vec<DataType>, gives: DataType, body: Arc<Body>) -> ScalarUDF {
    create_udf(
        name,
        takes,
        gives,
        Volatility::Immutable,
        Arc::new(move |args: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(args)?;
            Ok(ColumnarValue::Array(body(&arrays)?))
        }),
    )
}

fn binary(args: &[ArrayRef], i: usize) -> Result<&BinaryViewArray> {
    match args.get(i).and_then(|a| a.as_binary_view_opt()) {
        Some(array) => Ok(array),
        None => exec_err!("argument {i} is not an encoding"),
    }
}

fn numbers<T: arrow::datatypes::ArrowPrimitiveType>(args: &[ArrayRef], i: usize) -> Result<&PrimitiveArray<T>> {
    match args.get(i).and_then(|a| a.as_primitive_opt::<T>()) {
        Some(array) => Ok(array),
        None => exec_err!("argument {i} has another type"),
    }
}

fn value(array: &BinaryViewArray, row: usize) -> Option<&[u8]> {
    (!array.is_null(row)).then(|| array.value(row))
}

fn number<T: arrow::datatypes::ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    (!array.is_null(row)).then(|| array.value(row))
}

/// Patterns of a batch, with the vector instructions that the machine has.
fn patterns(rows: usize, of: impl Fn(usize) -> u64) -> ArrayRef {
    let mut out = vec![0u64; rows];
    Arch::new().dispatch(|| out.iter_mut().enumerate().for_each(|(row, slot)| *slot = of(row)));
    Arc::new(UInt64Array::from(out))
}

/// Registers the functions that need no model: `token_bits`, `token_part`, `row_mark`, `pair_of`, `pair_left`, `pair_right`, `block_keys`,
/// `agree_names`, `agree_birth`, `agree_postcode`, `agree_text`, `agree_exact`.
pub(crate) fn register(ctx: &SessionContext, rules: &Rules, cuts: &Cuts) {
    use DataType::{BinaryView, UInt32, UInt64, Utf8};
    let f = |udf: ScalarUDF| ctx.register_udf(udf);
    f(define(
        "token_bits",
        vec![Utf8],
        UInt64,
        Arc::new(|args| {
            let Some(text) = args[0].as_string_opt::<i32>() else { return exec_err!("token_bits takes a token") };
            let bits = |t: &str| t.get(..16).and_then(|t| u64::from_str_radix(t, 16).ok());
            Ok(Arc::new(text.iter().map(|t| t.and_then(bits)).collect::<UInt64Array>()))
        }),
    ));
    f(define(
        "token_part",
        vec![BinaryView, DataType::Int64],
        UInt64,
        Arc::new(|args| {
            let (encoding, place) = (binary(args, 0)?, numbers::<arrow::datatypes::Int64Type>(args, 1)?);
            let token = |row| {
                let place = usize::try_from(number(place, row)?).ok()?;
                svp_contract::encoding::token_at(value(encoding, row)?, place)
            };
            Ok(Arc::new((0..encoding.len()).map(token).collect::<UInt64Array>()))
        }),
    ));
    f(define(
        "pair_of",
        vec![UInt32, UInt32],
        UInt64,
        Arc::new(|args| {
            let (a, b) = (numbers::<UInt32Type>(args, 0)?, numbers::<UInt32Type>(args, 1)?);
            let pair = |(a, b): (&u32, &u32)| u64::from(*a) << 32 | u64::from(*b);
            Ok(Arc::new(UInt64Array::from_iter_values(a.values().iter().zip(b.values()).map(pair))))
        }),
    ));
    for (name, shift) in [("pair_left", 32u32), ("pair_right", 0)] {
        f(define(
            name,
            vec![UInt64],
            UInt32,
            Arc::new(move |args| {
                let pair = numbers::<UInt64Type>(args, 0)?;
                Ok(Arc::new(UInt32Array::from_iter_values(pair.values().iter().map(|p| (p >> shift) as u32))))
            }),
        ));
    }
    let columns: Vec<DataType> = (0..COLUMNS.len()).map(|i| if i < ENCODINGS { BinaryView } else { UInt64 }).collect();
    let with_rules = rules.clone();
    f(define("block_keys", columns.clone(), keys_type(), Arc::new(move |args| block_keys(&with_rules, args))));
    f(define("row_mark", columns, UInt64, Arc::new(row_mark)));
    let names = cuts.clone();
    f(define(
        "agree_names",
        vec![BinaryView; 6],
        UInt64,
        Arc::new(move |args| {
            let side = |from: usize| -> Result<[&BinaryViewArray; 3]> {
                Ok([binary(args, from)?, binary(args, from + 1)?, binary(args, from + 2)?])
            };
            let (a, b) = (side(0)?, side(3)?);
            Ok(patterns(a[0].len(), |row| comparison::names(&names, names_of(a, row), names_of(b, row))))
        }),
    ));
    for (name, body) in [
        ("agree_birth", comparison::birth as fn(&Cuts, Option<&[u8]>, Option<&[u8]>) -> u64),
        ("agree_postcode", comparison::postcode),
        ("agree_birth_place", |cuts, a, b| comparison::text(cuts, at::BIRTH_PLACE, a, b)),
        ("agree_occupation", |cuts, a, b| comparison::text(cuts, at::OCCUPATION, a, b)),
    ] {
        let cuts = cuts.clone();
        f(define(
            name,
            vec![BinaryView; 2],
            UInt64,
            Arc::new(move |args| {
                let (a, b) = (binary(args, 0)?, binary(args, 1)?);
                Ok(patterns(a.len(), |row| body(&cuts, value(a, row), value(b, row))))
            }),
        ));
    }
    for (name, c) in
        [("agree_sex", at::SEX), ("agree_nhs", at::NHS), ("agree_upn", at::UPN), ("agree_local", at::LOCAL)]
    {
        f(define(
            name,
            vec![UInt64; 2],
            UInt64,
            Arc::new(move |args| {
                let (a, b) = (numbers::<UInt64Type>(args, 0)?, numbers::<UInt64Type>(args, 1)?);
                Ok(patterns(a.len(), |row| comparison::exact(c, number(a, row), number(b, row))))
            }),
        ));
    }
}

fn names_of<'a>([forename, surname, words]: [&'a BinaryViewArray; 3], row: usize) -> Names<'a> {
    Names { forename: value(forename, row), surname: value(surname, row), words: value(words, row) }
}

fn keys_type() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(key_fields()), false)))
}

fn key_fields() -> Fields {
    Fields::from(vec![Field::new("rule", DataType::UInt8, false), Field::new("key", DataType::UInt64, false)])
}

/// The bytes of each column of a row; plain tokens as their eight bytes.
fn rows_of<'a>(
    args: &'a [ArrayRef],
    plain: &'a [Vec<[u8; 8]>],
) -> Result<impl Fn(usize) -> [Option<&'a [u8]>; COLUMNS.len()]> {
    let mut encodings = Vec::with_capacity(ENCODINGS);
    for i in 0..ENCODINGS {
        encodings.push(binary(args, i)?);
    }
    Ok(move |row: usize| {
        std::array::from_fn(|i| match encodings.get(i) {
            Some(array) => value(array, row),
            None => (!args[i].is_null(row)).then(|| plain[i - ENCODINGS][row].as_slice()),
        })
    })
}

fn plain_bytes(args: &[ArrayRef]) -> Result<Vec<Vec<[u8; 8]>>> {
    (ENCODINGS..COLUMNS.len())
        .map(|i| Ok(numbers::<UInt64Type>(args, i)?.values().iter().map(|v| v.to_le_bytes()).collect()))
        .collect()
}

fn block_keys(rules: &Rules, args: &[ArrayRef]) -> Result<ArrayRef> {
    let plain = plain_bytes(args)?;
    let of = rows_of(args, &plain)?;
    let n = args[0].len();
    let (mut rule, mut key) = (Vec::with_capacity(n * 20), Vec::with_capacity(n * 20));
    let mut offsets: Vec<i32> = Vec::with_capacity(n + 1);
    offsets.push(0);
    for row in 0..n {
        rules.keys(&Row(of(row)), |r, k| {
            rule.push(r);
            key.push(k);
        });
        offsets.push(key.len() as i32);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(PrimitiveArray::<UInt8Type>::from(rule)) as ArrayRef,
        Arc::new(PrimitiveArray::<UInt64Type>::from(key)),
    ];
    let keys = StructArray::try_new(key_fields(), columns, None)?;
    let field = Arc::new(Field::new("item", DataType::Struct(key_fields()), false));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::new(offsets.into()), Arc::new(keys), None)?))
}

/// A digest of what is known of a row; 0 when nothing is.
fn row_mark(args: &[ArrayRef]) -> Result<ArrayRef> {
    let plain = plain_bytes(args)?;
    let of = rows_of(args, &plain)?;
    let mark = |row: usize| {
        let mut mark = 0u64;
        for (i, column) in of(row).iter().enumerate() {
            if let Some(bytes) = column {
                let words = bytes.chunks_exact(8).filter_map(|c| c.try_into().ok()).map(u64::from_le_bytes);
                mark = words.fold(mix(mark, i as u64 + 1), mix);
            }
        }
        mark
    };
    Ok(Arc::new(UInt64Array::from_iter_values((0..args[0].len()).map(mark))))
}

/// Registers `match_weight(agreement, eight counts of the left row, eight of the right)`: log2 of the odds that the pair
/// is one person.
pub(crate) fn register_weight(ctx: &SessionContext, model: &Arc<Model>, logs: &Arc<Logs>) {
    let (model, logs) = (Arc::clone(model), Arc::clone(logs));
    let mut takes = vec![DataType::UInt64];
    takes.extend(std::iter::repeat_n(DataType::Float32, 16));
    ctx.register_udf(define(
        "match_weight",
        takes,
        DataType::Float32,
        Arc::new(move |args| {
            let pattern = numbers::<UInt64Type>(args, 0)?;
            let mut columns: Vec<&Float32Array> = Vec::with_capacity(16);
            for i in 1..=16 {
                columns.push(numbers::<Float32Type>(args, i)?);
            }
            let counts = |from: usize, row: usize| Counts {
                forename: columns[from].value(row),
                usual: columns[from + 1].value(row),
                surname: columns[from + 2].value(row),
                name: columns[from + 3].value(row),
                birth: columns[from + 4].value(row),
                birth_place: columns[from + 5].value(row),
                postcode: columns[from + 6].value(row),
                occupation: columns[from + 7].value(row),
            };
            let weight = |row| model.weight(&logs, pattern.value(row), &counts(0, row), &counts(8, row)) as f32;
            Ok(Arc::new(Float32Array::from_iter_values((0..pattern.len()).map(weight))))
        }),
    ));
}
