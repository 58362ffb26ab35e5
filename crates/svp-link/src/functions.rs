//! The SQL functions of linkage. They read encodings and give numbers; none sees clear text. Those that hold the rules,
//! the cuts or the model are bound to the session that links.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, Float32Array, ListArray, PrimitiveArray, StructArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, UInt8Type, UInt32Type, UInt64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use pulp::Arch;
use svp_contract::encoding::{USUAL, WHOLE, token_at};

use crate::blocking::{COLUMNS, Row, Rules, mix};
use crate::blocks::Blocks;
use crate::comparison::Cuts;
use crate::model::Model;
use crate::store::{Judge, Store, rare};

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

/// Registers the functions that make rows and keys: `token_bits`, `rare_values`, `row_mark`, `block_keys`.
pub(crate) fn register(ctx: &SessionContext, rules: &Rules) {
    use DataType::{BinaryView, UInt64, Utf8};
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
        "rare_values",
        vec![BinaryView; 6],
        DataType::List(Arc::new(Field::new("item", UInt64, false))),
        Arc::new(rare_values),
    ));
    let columns: Vec<DataType> = (0..COLUMNS.len()).map(|i| if i < ENCODINGS { BinaryView } else { UInt64 }).collect();
    let with_rules = rules.clone();
    f(define("block_keys", columns.clone(), keys_type(), Arc::new(move |args| block_keys(&with_rules, args))));
    f(define("row_mark", columns, UInt64, Arc::new(row_mark)));
}

/// The values that are weighed by their rarity, of forename, surname, birth, place of birth, postcode and occupation.
fn rare_values(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut encodings = Vec::with_capacity(args.len());
    for i in 0..args.len() {
        encodings.push(binary(args, i)?);
    }
    let n = args[0].len();
    let mut values: Vec<u64> = Vec::with_capacity(n * 8);
    let mut offsets: Vec<i32> = Vec::with_capacity(n + 1);
    offsets.push(0);
    for row in 0..n {
        let token = |column: usize, place| value(encodings[column], row).and_then(|e| token_at(e, place)).unwrap_or(0);
        let whole = |column: usize| token(column, WHOLE);
        let tokens = [whole(0), token(0, USUAL), whole(1), whole(2), whole(3), whole(4), whole(5)];
        values.extend(rare(tokens).into_iter().flatten());
        offsets.push(values.len() as i32);
    }
    let field = Arc::new(Field::new("item", DataType::UInt64, false));
    let values = Arc::new(UInt64Array::from(values));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::new(offsets.into()), values, None)?))
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

/// A digest of what is known of a row; 0 when nothing says who it is.
fn row_mark(args: &[ArrayRef]) -> Result<ArrayRef> {
    let plain = plain_bytes(args)?;
    let of = rows_of(args, &plain)?;
    let mark = |row: usize| {
        let mut mark = 0u64;
        let columns = of(row);
        if !Row(columns).says_who() {
            return mark;
        }
        for (i, column) in columns.iter().enumerate() {
            if let Some(bytes) = column {
                let words = bytes.chunks_exact(8).filter_map(|c| c.try_into().ok()).map(u64::from_le_bytes);
                mark = words.fold(mix(mark, i as u64 + 1), mix);
            }
        }
        mark
    };
    Ok(Arc::new(UInt64Array::from_iter_values((0..args[0].len()).map(mark))))
}

/// Registers `proposed(row)`, bound to the blocks: the pairs of a row with later rows.
pub(crate) fn register_proposed(ctx: &SessionContext, blocks: &Arc<Blocks>) {
    let blocks = Arc::clone(blocks);
    let item = Arc::new(Field::new("item", DataType::UInt64, false));
    ctx.register_udf(define(
        "proposed",
        vec![DataType::UInt32],
        DataType::List(Arc::clone(&item)),
        Arc::new(move |args| {
            let rows = numbers::<UInt32Type>(args, 0)?;
            let mut finder = blocks.finder();
            let mut pairs: Vec<u64> = Vec::new();
            let mut offsets: Vec<i32> = Vec::with_capacity(rows.len() + 1);
            offsets.push(0);
            for row in rows.values() {
                pairs.extend(finder.partners(*row).iter().map(|other| u64::from(*row) << 32 | u64::from(*other)));
                offsets.push(pairs.len() as i32);
            }
            let pairs = Arc::new(UInt64Array::from(pairs));
            Ok(Arc::new(ListArray::try_new(Arc::clone(&item), OffsetBuffer::new(offsets.into()), pairs, None)?))
        }),
    ));
}

/// Registers `agreement(pair)`, bound to the rows: the levels of all comparisons.
pub(crate) fn register_agreement(ctx: &SessionContext, store: &Arc<Store>, cuts: Cuts) {
    let store = Arc::clone(store);
    ctx.register_udf(define(
        "agreement",
        vec![DataType::UInt64],
        DataType::UInt64,
        Arc::new(move |args| {
            let pairs = numbers::<UInt64Type>(args, 0)?;
            let out = Arch::new().dispatch(Judge { store: &store, cuts: &cuts, pairs: pairs.values() });
            Ok(Arc::new(UInt64Array::from(out)))
        }),
    ));
}

/// Registers `match_weight(pair, agreement)`: log2 of the odds that the pair is one person.
pub(crate) fn register_weight(ctx: &SessionContext, store: &Arc<Store>, model: &Arc<Model>) {
    let (store, model, ready) = (Arc::clone(store), Arc::clone(model), model.ready());
    ctx.register_udf(define(
        "match_weight",
        vec![DataType::UInt64; 2],
        DataType::Float32,
        Arc::new(move |args| {
            let (pairs, patterns) = (numbers::<UInt64Type>(args, 0)?, numbers::<UInt64Type>(args, 1)?);
            let weight = |(pair, pattern): (&u64, &u64)| {
                let (a, b) = (store.counts((pair >> 32) as u32), store.counts(*pair as u32));
                model.weight(&ready, *pattern, &a, &b) as f32
            };
            Ok(Arc::new(Float32Array::from_iter_values(pairs.values().iter().zip(patterns.values()).map(weight))))
        }),
    ));
}
