//! Window functions whose answer for a row hangs on all rows of its partition: one wrapper for all of them.

use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, LimitEffect, PartitionEvaluator, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

use super::{Args, Body, Spec, SqlFunction};

/// Makes a window function from its description and body. The body sees a whole partition and gives one value for each of its
/// rows; frames and order of the window are of no account to it.
pub(crate) fn window_function(
    spec: Spec,
    identity: usize,
    body: impl Fn(&Args<'_>) -> Result<ArrayRef> + Send + Sync + 'static,
) -> WindowUDF {
    WindowUDF::from(SqlFunction::new(spec, " OVER (…)", identity, body))
}

impl WindowUDFImpl for SqlFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Partition { body: Arc::clone(&self.body) }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.returns.clone(), true)))
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.coerce(given)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    /// A row's answer hangs on all others: a limit must not cut the input.
    fn limit_effect(&self, _args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

struct Partition {
    body: Arc<Body>,
}

impl fmt::Debug for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Partition")
    }
}

impl PartitionEvaluator for Partition {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let values: Vec<ColumnarValue> = values.iter().map(|array| ColumnarValue::Array(Arc::clone(array))).collect();
        (self.body)(&Args { values: &values, rows: num_rows })
    }
}
