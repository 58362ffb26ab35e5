//! Expressions that are worked out by classes of equal values, and choices that are worked out by their parts.
//!
//! The engine works out `CASE` and `coalesce` (which it makes a `CASE`) row by row and asks the first choice of a coalesce twice. Most
//! parts of them read one column of few different values, so each part is worked out alone: by classes where that pays, on all rows
//! where it is cheap, and on the rows that are left where it is dear.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, new_null_array};
use arrow::compute;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, Column, InListExpr, IsNotNullExpr, LikeExpr};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ColumnarValue;

use crate::classes::KnownClasses;

/// Columns that an expression may read to be worked out by classes: with more of them rows are hardly ever equal in all.
const MOST_COLUMNS: usize = 3;
/// Parts of an expression from which it is dear, however cheap each of them is.
const MANY_PARTS: usize = 8;
/// One row in so many is few: what is asked of them alone may need reference data that nobody else asks for.
const FEW: usize = 8;
/// Functions that cost no more than to find the class of a row.
const CHEAP: [&str; 1] = ["get_field"];

/// An expression over batches of one schema.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) expr: Arc<dyn PhysicalExpr>,
    /// Over the columns that it reads alone; `None` where it reads none, or nested ones.
    own: Option<Own>,
    /// It takes longer than to compare two values.
    dear: bool,
    /// What it asks for being there, where it asks that.
    not_null: Option<Box<Ready>>,
    choice: Option<Choice>,
}

/// An expression over the columns that it reads.
#[derive(Debug, Clone)]
struct Own {
    expr: Arc<dyn PhysicalExpr>,
    /// The columns, by their place in the batch.
    reads: Vec<usize>,
    schema: SchemaRef,
}

/// A `CASE` without an operand.
#[derive(Debug, Clone)]
struct Choice {
    branches: Vec<(Ready, Ready)>,
    other: Option<Box<Ready>>,
    kind: DataType,
}

/// Values for rows of a batch: where in `array` the value of a row stands.
struct Found {
    array: ArrayRef,
    rows: Rows,
}

/// For which rows values stand.
enum Rows {
    All,
    /// One value for every row.
    Each,
    /// For the wanted rows, in their order.
    Wanted,
}

impl Ready {
    /// For an expression over batches of `schema`.
    pub(crate) fn new(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Self {
        let volatile = has(expr, &|e| e.is_volatile_node());
        let plain = Self { expr: Arc::clone(expr), own: None, dear: true, not_null: None, choice: None };
        if volatile {
            return plain;
        }
        let not_null = expr.downcast_ref::<IsNotNullExpr>().map(|e| Box::new(Self::new(e.arg(), schema)));
        let choice = expr.downcast_ref::<CaseExpr>().filter(|e| e.expr().is_none()).and_then(|e| {
            let part = |e: &Arc<dyn PhysicalExpr>| Self::new(e, schema);
            Some(Choice {
                branches: e.when_then_expr().iter().map(|(when, then)| (part(when), part(then))).collect(),
                other: e.else_expr().map(|e| Box::new(part(e))),
                kind: expr.data_type(schema).ok()?,
            })
        });
        // A choice among cheap things is the engine's.
        let choice = choice.filter(Choice::has_dear);
        Self { own: Own::new(expr, schema), dear: is_dear(expr), not_null, choice, ..plain }
    }

    /// The values for all rows of a batch; `None` where some value fails.
    pub(crate) fn evaluate(&self, batch: &RecordBatch, known: &KnownClasses) -> Option<ArrayRef> {
        if let Some(values) = self.by_classes(batch, known) {
            return Some(values);
        }
        let found = self.choice.as_ref().and_then(|choice| choice.evaluate(batch, known));
        match (found, &self.own) {
            (Some(values), _) => Some(values),
            // The engine now and then picks out rows of all columns that it is given.
            (None, Some(own)) => {
                let own_batch = RecordBatch::try_new(Arc::clone(&own.schema), own.columns(batch)).ok()?;
                own.expr.evaluate(&own_batch).ok()?.into_array(batch.num_rows()).ok()
            }
            (None, None) => self.expr.evaluate(batch).ok()?.into_array(batch.num_rows()).ok(),
        }
    }

    fn by_classes(&self, batch: &RecordBatch, known: &KnownClasses) -> Option<ArrayRef> {
        let own = self.own.as_ref().filter(|own| self.dear && own.reads.len() <= MOST_COLUMNS)?;
        let columns = own.columns(batch);
        let classes = known.of_all(&columns)?;
        let small = own.taken(&columns, classes.firsts())?;
        let values = match own.expr.evaluate(&small).ok()? {
            ColumnarValue::Array(values) => values,
            ColumnarValue::Scalar(value) => return value.to_array_of_size(batch.num_rows()).ok(),
        };
        let values = match values.data_type() {
            DataType::Null => return None,
            _ => classes.spread(&values)?,
        };
        known.learn(&values, classes);
        Some(values)
    }

    /// Whether it costs little for all rows of a batch.
    fn is_easy(&self, batch: &RecordBatch, known: &KnownClasses) -> bool {
        if !self.dear {
            return true;
        }
        if let Some(inner) = &self.not_null {
            return inner.is_easy(batch, known);
        }
        let own = self.own.as_ref().filter(|own| own.reads.len() <= MOST_COLUMNS);
        own.is_some_and(|own| known.of_all(&own.columns(batch)).is_some())
    }

    /// The values of some rows at least: of all where that costs little, or most of them are wanted.
    fn find(&self, batch: &RecordBatch, known: &KnownClasses, wanted: &[u32]) -> Option<Found> {
        let all = || self.evaluate(batch, known).map(|array| Found { array, rows: Rows::All });
        let Some(own) = &self.own else {
            return match self.expr.evaluate(batch).ok()? {
                ColumnarValue::Scalar(value) => {
                    Some(Found { array: value.to_array_of_size(1).ok()?, rows: Rows::Each })
                }
                ColumnarValue::Array(array) => Some(Found { array, rows: Rows::All }),
            };
        };
        let few = wanted.len() * FEW < batch.num_rows();
        if wanted.len() * 2 > batch.num_rows() || (!few && self.is_easy(batch, known)) {
            return all();
        }
        let small = own.taken(&own.columns(batch), &UInt32Array::from(wanted.to_vec()))?;
        let array = own.expr.evaluate(&small).ok()?.into_array(wanted.len()).ok()?;
        Some(Found { array, rows: Rows::Wanted })
    }
}

impl Own {
    fn new(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Self> {
        let mut reads: Vec<usize> = collect_columns(expr).iter().map(Column::index).collect();
        reads.sort_unstable();
        reads.dedup();
        if reads.is_empty() || reads.iter().any(|at| schema.field(*at).data_type().is_nested()) {
            return None;
        }
        let moved = Arc::clone(expr).transform_up(|e| {
            let Some(column) = e.downcast_ref::<Column>() else { return Ok(Transformed::no(e)) };
            let at = reads.iter().position(|r| *r == column.index()).unwrap_or_default();
            Ok(Transformed::yes(Arc::new(Column::new(column.name(), at)) as Arc<dyn PhysicalExpr>))
        });
        let schema = Arc::new(schema.project(&reads).ok()?);
        Some(Self { expr: moved.ok()?.data, reads, schema })
    }

    fn columns(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        self.reads.iter().map(|at| Arc::clone(batch.column(*at))).collect()
    }

    fn taken(&self, columns: &[ArrayRef], rows: &UInt32Array) -> Option<RecordBatch> {
        let columns = columns.iter().map(|c| compute::take(c, rows, None)).collect::<Result<Vec<_>, _>>().ok()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).ok()
    }
}

impl Choice {
    fn has_dear(&self) -> bool {
        let parts = self.branches.iter().flat_map(|(when, then)| [when, then]).chain(self.other.as_deref());
        parts.into_iter().any(|part| part.dear)
    }

    /// The values for all rows; `None` where some value fails, or fails on rows that do not come to it.
    fn evaluate(&self, batch: &RecordBatch, known: &KnownClasses) -> Option<ArrayRef> {
        let n = batch.num_rows();
        let mut pieces: Vec<Found> = Vec::new();
        // For each row the piece that its value stands in, and where.
        let mut places = vec![(usize::MAX, 0); n];
        let mut open: Vec<u32> = (0..u32::try_from(n).ok()?).collect();
        for (when, then) in &self.branches {
            if open.is_empty() {
                break;
            }
            let asked = when.not_null.as_deref().unwrap_or(when);
            let answers = asked.find(batch, known, &open)?;
            let holds = answers.holds(when.not_null.is_some())?;
            let (mut chosen, mut at, mut left) = (Vec::new(), Vec::new(), Vec::new());
            for (i, row) in open.iter().enumerate() {
                let place = answers.place(i, *row);
                if holds.value(place) {
                    chosen.push(*row);
                    at.push(place);
                } else {
                    left.push(*row);
                }
            }
            if !chosen.is_empty() {
                // What was asked for being there is often what is taken.
                let same = when.not_null.as_deref().is_some_and(|asked| *asked.expr == *then.expr);
                let values = if same { answers } else { then.find(batch, known, &chosen)? };
                for (i, row) in chosen.iter().enumerate() {
                    let place = if same { at[i] } else { values.place(i, *row) };
                    places[*row as usize] = (pieces.len(), place);
                }
                pieces.push(values);
            }
            open = left;
        }
        if let Some(other) = self.other.as_deref().filter(|_| !open.is_empty()) {
            let values = other.find(batch, known, &open)?;
            for (i, row) in open.iter().enumerate() {
                places[*row as usize] = (pieces.len(), values.place(i, *row));
            }
            pieces.push(values);
            open = Vec::new();
        }
        self.joined(&pieces, &mut places, &open)
    }

    /// The pieces as one column; the rows of `open` have no value.
    fn joined(&self, pieces: &[Found], places: &mut [(usize, usize)], open: &[u32]) -> Option<ArrayRef> {
        if pieces.iter().any(|piece| piece.array.data_type() != &self.kind) {
            return None;
        }
        if let [Found { array, rows: Rows::All }] = pieces {
            if open.is_empty() {
                return Some(Arc::clone(array));
            }
            let mut none = vec![false; places.len()];
            open.iter().for_each(|row| none[*row as usize] = true);
            return compute::nullif(array, &BooleanArray::from(none)).ok();
        }
        let nothing = new_null_array(&self.kind, 1);
        let mut arrays: Vec<&dyn Array> = pieces.iter().map(|piece| piece.array.as_ref()).collect();
        open.iter().for_each(|row| places[*row as usize] = (arrays.len(), 0));
        arrays.push(nothing.as_ref());
        compute::interleave(&arrays, places).ok()
    }
}

impl Found {
    /// Where the value of the `i`th of the wanted rows stands, which is `row`.
    fn place(&self, i: usize, row: u32) -> usize {
        match self.rows {
            Rows::All => row as usize,
            Rows::Each => 0,
            Rows::Wanted => i,
        }
    }

    /// Whether each value is there, or is true.
    fn holds(&self, there: bool) -> Option<BooleanArray> {
        if there {
            return compute::is_not_null(&self.array).ok();
        }
        let values = self.array.as_boolean_opt()?;
        Some(match values.nulls() {
            // Unknown is no.
            Some(_) => values.iter().map(|v| Some(v == Some(true))).collect(),
            None => values.clone(),
        })
    }
}

/// Whether an expression takes longer than to compare two values: something in it does, or it is long.
fn is_dear(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let mut parts = 0;
    let _ = expr.apply(|_| {
        parts += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    parts >= MANY_PARTS
        || has(expr, &|e| match e.downcast_ref::<ScalarFunctionExpr>() {
            Some(function) => !CHEAP.contains(&function.name()),
            None => {
                let of_text = e.downcast_ref::<BinaryExpr>().is_some_and(|e| is_of_text(*e.op()));
                of_text || e.downcast_ref::<InListExpr>().is_some() || e.downcast_ref::<LikeExpr>().is_some()
            }
        })
}

/// Whether an operator searches texts.
fn is_of_text(operator: Operator) -> bool {
    use Operator::{RegexIMatch, RegexMatch, RegexNotIMatch, RegexNotMatch};
    matches!(operator, RegexMatch | RegexIMatch | RegexNotMatch | RegexNotIMatch)
}

/// Whether some part of an expression is so.
fn has(expr: &Arc<dyn PhysicalExpr>, is: &dyn Fn(&Arc<dyn PhysicalExpr>) -> bool) -> bool {
    let mut found = false;
    let _ = expr.apply(|e| {
        found |= is(e);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::datatypes::Field;
    use datafusion::common::DFSchema;
    use datafusion::logical_expr::simplify::SimplifyContext;
    use datafusion::optimizer::simplify_expressions::ExprSimplifier;
    use proptest::prelude::*;

    use super::*;

    fn schema() -> Schema {
        let field = |name: &str, kind| Field::new(name, kind, true);
        Schema::new(vec![
            field("a", DataType::Utf8),
            field("b", DataType::Float64),
            field("c", DataType::Utf8),
            field("n", DataType::Int64),
            field("each", DataType::Utf8),
        ])
    }

    fn expression(sql: &str) -> Arc<dyn PhysicalExpr> {
        let ctx = svp_lake::session(&svp_lake::Limits::default()).unwrap();
        let df = DFSchema::try_from(schema()).unwrap();
        let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(df.clone())).build());
        let expr = simplifier.coerce(ctx.parse_sql_expr(sql, &df).unwrap(), &df).unwrap();
        ctx.state().create_physical_expr(simplifier.simplify(expr).unwrap(), &df).unwrap()
    }

    #[test]
    fn what_is_cheap_or_reads_nothing_is_left_to_the_engine() {
        for (sql, by_classes, by_parts) in [
            ("upper(a)", true, false),
            ("upper(c) || CAST(b AS VARCHAR)", true, false),
            ("a IN ('x', 'y', 'z', 'w')", true, false),
            ("a ~ '^x+y$'", true, false),
            ("a = 'x'", false, false),
            ("a = 'x' OR a = 'y' OR b > 1", true, false),
            ("a", false, false),
            ("CASE WHEN a IS NULL THEN random() ELSE b END", false, false),
            ("pi()", false, false),
            ("CASE WHEN a IS NULL THEN c ELSE a END", false, false),
            ("CASE WHEN a IS NULL THEN upper(c) ELSE a END", true, true),
            ("coalesce(upper(a), upper(c), upper(each), CAST(b AS VARCHAR))", false, true),
        ] {
            let ready = Ready::new(&expression(sql), &schema());
            let classes = ready.dear && ready.own.as_ref().is_some_and(|own| own.reads.len() <= MOST_COLUMNS);
            assert_eq!((classes, ready.choice.is_some()), (by_classes, by_parts), "{sql}");
        }
    }

    const EXPRESSIONS: [&str; 16] = [
        "upper(a)",
        "concat(c, CAST(b AS VARCHAR))",
        "a IN ('v1', 'v2', 'v3', 'x')",
        "regexp_like(c, '^v1$')",
        "CASE WHEN a IS NULL THEN upper(c) ELSE a END",
        "coalesce(upper(a), upper(c), 'none')",
        "coalesce(upper(a), upper(c), upper(each))",
        "coalesce(nullif(upper(a), 'V1'), upper(each), c)",
        "CASE WHEN upper(a) = 'V1' THEN upper(each) WHEN b > 0 THEN lower(each) END",
        "CASE WHEN a IS NOT NULL THEN concat_ws('|', a, each, c) END",
        "CASE WHEN a IS NOT NULL THEN upper(a) IS NOT NULL WHEN c IS NOT NULL OR b > 0 THEN FALSE WHEN n > 1 THEN upper(each) = 'V1' END",
        "CASE WHEN upper(a) IN ('V1', 'V2') THEN 'x' WHEN upper(c) = 'V0' THEN 'y' ELSE 'z' END",
        // Of a row that does not come to it nothing is asked.
        "CASE WHEN n <> 0 AND upper(a) = 'V1' THEN 10 / n WHEN upper(c) = 'V0' THEN 7 END",
        "CASE WHEN b IS NULL THEN CAST(upper(each) AS DOUBLE) ELSE b END",
        "CASE WHEN a IS NULL THEN CASE WHEN upper(c) IS NULL THEN 'no' ELSE upper(each) END ELSE lower(a) END",
        "CASE WHEN random() < 2 THEN upper(each) END",
    ];

    proptest! {
        /// By classes and parts or by the engine: the same values, and nothing where the engine fails.
        #[test]
        fn the_way_changes_nothing(
            runs in prop::collection::vec(
                (prop::option::of(0_u8..4), prop::option::of(0_u8..3), prop::option::of(0_u8..2), prop::option::of(0_i64..3), 1_usize..60),
                1..60
            ),
            all in any::<bool>()
        ) {
            let rows = || runs.iter().flat_map(|run| std::iter::repeat_n(*run, run.4));
            let text = |v: Option<u8>| v.map(|v| format!("v{v}"));
            let a: StringArray = rows().map(|r| if all { Some("v1".to_owned()) } else { text(r.0) }).collect();
            // The two zeros are two values, and so is what is no number.
            let b: Float64Array = rows().map(|r| r.1.map(|v| [0.0, -0.0, f64::NAN][usize::from(v)])).collect();
            let c: StringArray = rows().map(|r| text(r.2)).collect();
            let n: Int64Array = rows().map(|r| r.3).collect();
            let each: StringArray = rows().enumerate().map(|(i, r)| r.0.map(|v| format!("{i} v{v}"))).collect();
            let columns: Vec<ArrayRef> = vec![Arc::new(a), Arc::new(b), Arc::new(c), Arc::new(n), Arc::new(each)];
            let batch = RecordBatch::try_new(Arc::new(schema()), columns).unwrap();
            let known = KnownClasses::default();
            for sql in EXPRESSIONS {
                let expr = expression(sql);
                let plain = expr.evaluate(&batch).ok().map(|v| v.into_array(batch.num_rows()).unwrap());
                let ours = Ready::new(&expr, &schema()).evaluate(&batch, &known);
                prop_assert_eq!(ours.is_some(), plain.is_some(), "{}", sql);
                if let Some((ours, plain)) = ours.zip(plain) {
                    prop_assert!(same(&ours, &plain), "{}\n{:?}\n{:?}", sql, ours, plain);
                }
            }
        }
    }

    /// Whether two columns hold the same; what lies behind a value that is missing is nobody's business.
    fn same(one: &ArrayRef, two: &ArrayRef) -> bool {
        one.data_type() == two.data_type() && one.to_data() == two.to_data()
    }
}
