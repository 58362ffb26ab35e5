//! Rows that follow one another with equal values: an expression over them is worked out once for all of them.
//!
//! Extracts are sorted by something, and much of a row is as in the row before: the month of its file, the small area, the point. What
//! a function says of a value it says of each row that has it, so a batch is looked through for runs of equal values first. A
//! comparison of neighbours is much cheaper than a search in boundaries or a regular expression.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::physical_expr::expressions::{Column, InListExpr, LikeExpr};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ColumnarValue;

/// Columns that an expression may read: with more of them rows are hardly ever equal in all.
const MOST_COLUMNS: usize = 3;
/// Rows of a batch that are looked at first, and how long runs must be on average so that working by runs pays.
const AHEAD: usize = 512;
const LONG: usize = 2;
/// Parts of an expression from which it is dear, however cheap each of them is.
const MANY_PARTS: usize = 8;
/// Functions that cost no more than the comparison of neighbours.
const CHEAP: [&str; 1] = ["get_field"];

/// An expression over the columns that it reads, which is worth being worked out by runs.
#[derive(Debug, Clone)]
pub(crate) struct InRuns {
    expr: Arc<dyn PhysicalExpr>,
    /// The columns that it reads, by their place in the batch.
    reads: Vec<usize>,
    schema: SchemaRef,
}

impl InRuns {
    /// For an expression over batches of `schema`; `None` where it is cheap, reads too much, or does not depend on its columns alone.
    pub(crate) fn new(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Self> {
        if !is_dear(expr) || has(expr, &|e| e.is_volatile_node()) {
            return None;
        }
        let mut reads: Vec<usize> = collect_columns(expr).iter().map(Column::index).collect();
        reads.sort_unstable();
        reads.dedup();
        let plain = |at: &usize| !schema.field(*at).data_type().is_nested();
        if reads.is_empty() || reads.len() > MOST_COLUMNS || !reads.iter().all(plain) {
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

    /// The values for all rows of a batch; `None` where its rows are too different, or some value fails.
    pub(crate) fn evaluate(&self, batch: &RecordBatch) -> Option<ArrayRef> {
        let rows = batch.num_rows();
        if rows < AHEAD {
            return None;
        }
        let columns: Vec<ArrayRef> = self.reads.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        let ahead: Vec<ArrayRef> = columns.iter().map(|c| c.slice(0, AHEAD)).collect();
        if compute::partition(&ahead).ok()?.len() * LONG > AHEAD {
            return None;
        }
        let runs = compute::partition(&columns).ok()?;
        if runs.len() * LONG > rows {
            return None;
        }
        let (mut firsts, mut run_of) = (Vec::with_capacity(runs.len()), Vec::with_capacity(rows));
        for (at, run) in runs.ranges().into_iter().enumerate() {
            firsts.push(u32::try_from(run.start).ok()?);
            run_of.extend(std::iter::repeat_n(u32::try_from(at).ok()?, run.len()));
        }
        let firsts = UInt32Array::from(firsts);
        let columns = columns.iter().map(|c| compute::take(c, &firsts, None)).collect::<Result<Vec<_>, _>>().ok()?;
        let small = RecordBatch::try_new(Arc::clone(&self.schema), columns).ok()?;
        let values = match self.expr.evaluate(&small).ok()? {
            ColumnarValue::Array(values) => values,
            ColumnarValue::Scalar(value) => return value.to_array_of_size(rows).ok(),
        };
        match values.data_type() {
            DataType::Null => None,
            _ => compute::take(&values, &UInt32Array::from(run_of), None).ok(),
        }
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
            None => e.downcast_ref::<InListExpr>().is_some() || e.downcast_ref::<LikeExpr>().is_some(),
        })
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
    use arrow::array::{Float64Array, StringArray};
    use arrow::datatypes::Field;
    use datafusion::common::DFSchema;
    use proptest::prelude::*;

    use super::*;

    fn schema() -> Schema {
        let field = |name: &str, kind| Field::new(name, kind, true);
        Schema::new(vec![field("a", DataType::Utf8), field("b", DataType::Float64), field("c", DataType::Utf8)])
    }

    fn expression(sql: &str) -> Arc<dyn PhysicalExpr> {
        let ctx = svp_lake::session(&svp_lake::Limits::default()).unwrap();
        let df = DFSchema::try_from(schema()).unwrap();
        ctx.create_physical_expr(ctx.parse_sql_expr(sql, &df).unwrap(), &df).unwrap()
    }

    #[test]
    fn what_is_cheap_or_reads_nothing_is_left_alone() {
        for (sql, worth) in [
            ("upper(a)", true),
            ("upper(c) || CAST(b AS VARCHAR)", true),
            ("a IN ('x', 'y', 'z', 'w')", true),
            ("a = 'x'", false),
            ("a = 'x' OR a = 'y' OR b > 1", true),
            ("a", false),
            ("CASE WHEN a IS NULL THEN random() ELSE b END", false),
            ("pi()", false),
        ] {
            assert_eq!(InRuns::new(&expression(sql), &schema()).is_some(), worth, "{sql}");
        }
    }

    proptest! {
        /// By runs or row by row: the same values.
        #[test]
        fn runs_change_nothing(
            runs in prop::collection::vec((prop::option::of(0_u8..4), prop::option::of(0_u8..3), prop::option::of(0_u8..2), 1_usize..60), 8..60)
        ) {
            let rows = || runs.iter().flat_map(|(a, b, c, n)| std::iter::repeat_n((*a, *b, *c), *n));
            let text = |v: Option<u8>| v.map(|v| format!("v{v}"));
            let a: StringArray = rows().map(|r| text(r.0)).collect();
            // The two zeros are two values, and so is what is no number.
            let b: Float64Array = rows().map(|r| r.1.map(|v| [0.0, -0.0, f64::NAN][usize::from(v)])).collect();
            let c: StringArray = rows().map(|r| text(r.2)).collect();
            let columns: Vec<ArrayRef> = vec![Arc::new(a), Arc::new(b), Arc::new(c)];
            let batch = RecordBatch::try_new(Arc::new(schema()), columns).unwrap();
            for sql in ["upper(a)", "concat(c, CAST(b AS VARCHAR))", "a IN ('v1', 'v2', 'v3', 'x')", "CASE WHEN a IS NULL THEN upper(c) ELSE a END", "regexp_like(c, '^v1$')"] {
                let expr = expression(sql);
                let plain = expr.evaluate(&batch).unwrap().into_array(batch.num_rows()).unwrap();
                if let Some(values) = InRuns::new(&expr, &schema()).and_then(|runs| runs.evaluate(&batch)) {
                    prop_assert_eq!(values.to_data(), plain.to_data(), "{}", sql);
                }
            }
        }
    }
}
