//! The one piece of plumbing between Arrow and the kernels.
//!
//! A function is a [`Spec`] (name, words, argument kinds, return type, examples) and a closure that reads
//! typed columns from [`Args`] and builds one array. Everything else is decided here, once: which input
//! types are accepted and cast, how constants are handled, what documentation looks like, when two
//! functions are equal.

mod args;
mod results;
mod window;

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(crate) use args::Args;
pub(crate) use results::{
    date_result, flag_result, instant_result, pair_result, pair_type, primitive_result, record_result, record_type,
    records_result, records_type, text_result, utc_timestamp_type, written_result,
};
pub(crate) use window::window_function;

/// A function refused its arguments. The text begins with the name of the function and holds no value of the data.
#[derive(Debug)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

pub(crate) fn refused<T>(why: impl Into<String>) -> Result<T> {
    Err(DataFusionError::External(Box::new(Refused(why.into()))))
}

/// What a function wants to be given; decides the cast that the planner adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Utf8, Utf8View, LargeUtf8 as they come; dictionaries of text are unpacked. Numbers are refused:
    /// the offence code 4.10 must never have been a number.
    Text,
    /// Any number, as Float64.
    Number,
    /// Any integer, as Int64.
    Integer,
    /// A calendar date, as Date32.
    Date,
    /// An instant, as Timestamp(µs, UTC); a timestamp without zone is taken as UTC.
    Timestamp,
    /// A date or an instant.
    Moment,
    /// A list of any numbers, as Float64.
    Numbers,
}

impl Kind {
    fn wanted(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "a number",
            Kind::Integer => "an integer",
            Kind::Date => "a date",
            Kind::Timestamp => "a timestamp (see uk_timestamp, utc_timestamp)",
            Kind::Moment => "a date or a timestamp",
            Kind::Numbers => "a list of numbers (see array_agg)",
        }
    }

    fn coerce(self, given: &DataType) -> Option<DataType> {
        use DataType::{
            Date32, Date64, Dictionary, FixedSizeList, Float64, Int64, LargeList, LargeUtf8, List, Null, Timestamp,
            Utf8, Utf8View,
        };
        let wanted = match (self, given) {
            (Kind::Text, Utf8 | Utf8View | LargeUtf8) => given.clone(),
            (Kind::Text, Null) => Utf8,
            (Kind::Text, Dictionary(_, values)) if values.is_string() => Utf8,
            (Kind::Number, Null) => Float64,
            (Kind::Number, other) if other.is_numeric() => Float64,
            (Kind::Integer, Null) => Int64,
            (Kind::Integer, other) if other.is_integer() => Int64,
            (Kind::Date | Kind::Moment, Date32 | Date64 | Null) => Date32,
            (Kind::Timestamp, Null) | (Kind::Timestamp | Kind::Moment, Timestamp(..)) => utc_timestamp_type(),
            (Kind::Numbers, Null) => numbers_type(),
            (Kind::Numbers, List(item) | LargeList(item) | FixedSizeList(item, _))
                if item.data_type().is_numeric() || item.data_type().is_null() =>
            {
                numbers_type()
            }
            _ => return None,
        };
        Some(wanted)
    }
}

/// A list of numbers.
pub(crate) fn numbers_type() -> DataType {
    DataType::new_list(DataType::Float64, true)
}

/// One argument: its name and meaning for the reference, and its kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    name: &'static str,
    about: &'static str,
    kind: Kind,
    optional: bool,
    /// Its text becomes the result: where it is there and nothing comes of it, it could not be read.
    converted: bool,
}

/// A required argument.
pub(crate) const fn param(kind: Kind, name: &'static str, about: &'static str) -> Param {
    Param { name, about, kind, optional: false, converted: false }
}

/// An argument that may be left out; only after all required ones.
pub(crate) const fn optional(kind: Kind, name: &'static str, about: &'static str) -> Param {
    Param { name, about, kind, optional: true, converted: false }
}

/// The text that a conversion reads. Where it is there and the result is NULL, a mapping counts a value that could not be read.
pub(crate) const fn converted(name: &'static str, about: &'static str) -> Param {
    Param { name, about, kind: Kind::Text, optional: false, converted: true }
}

/// Which argument of a function is the text that it converts; `None` for a function that converts none.
#[must_use]
pub fn converted_argument(function: &ScalarUDF) -> Option<usize> {
    let inner: &dyn Any = function.inner().as_ref();
    inner.downcast_ref::<SqlFunction>()?.params.iter().position(|param| param.converted)
}

/// Everything about a function but its body.
pub(crate) struct Spec {
    /// SQL name.
    pub name: &'static str,
    /// Chapter of the reference.
    pub section: DocSection,
    /// What it does, in Markdown.
    pub about: &'static str,
    /// Arguments in order.
    pub params: Vec<Param>,
    /// Arrow type of the result.
    pub returns: DataType,
    /// Statement and what it prints; run as a test.
    pub examples: &'static [(&'static str, &'static str)],
}

type Body = dyn Fn(&Args<'_>) -> Result<ArrayRef> + Send + Sync;

/// Makes the SQL function from its description and body.
pub(crate) fn function(spec: Spec, body: impl Fn(&Args<'_>) -> Result<ArrayRef> + Send + Sync + 'static) -> ScalarUDF {
    bound_function(spec, 0, body)
}

/// As [`function`], for a body that holds data: `identity` tells two bindings apart.
pub(crate) fn bound_function(
    spec: Spec,
    identity: usize,
    body: impl Fn(&Args<'_>) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    ScalarUDF::from(SqlFunction::new(spec, "", identity, body))
}

fn document(spec: &Spec, after: &str) -> Documentation {
    let mut syntax = format!("{}(", spec.name);
    for (index, param) in spec.params.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let text = if param.optional { format!("[{comma}{}]", param.name) } else { format!("{comma}{}", param.name) };
        syntax.push_str(&text);
    }
    syntax.push(')');
    syntax.push_str(after);
    let example: Vec<String> =
        spec.examples.iter().map(|(sql, prints)| format!("```sql\n{sql}\n```\n```text\n{prints}\n```")).collect();
    let mut builder =
        Documentation::builder(spec.section.clone(), spec.about, syntax).with_sql_example(example.join("\n"));
    for param in &spec.params {
        builder = builder.with_argument(param.name, param.about);
    }
    builder.build()
}

/// The wrapper that the engine sees; one type for every function, of a row or of a window.
struct SqlFunction {
    name: &'static str,
    params: Vec<Param>,
    returns: DataType,
    signature: Signature,
    documentation: Documentation,
    identity: usize,
    body: Arc<Body>,
}

impl SqlFunction {
    /// `after` is what follows the call in the documentation's syntax.
    fn new(
        spec: Spec,
        after: &str,
        identity: usize,
        body: impl Fn(&Args<'_>) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self {
            documentation: document(&spec, after),
            name: spec.name,
            params: spec.params,
            returns: spec.returns,
            signature: Signature::user_defined(Volatility::Immutable),
            identity,
            body: Arc::new(body),
        }
    }

    /// The types that arguments are cast to, or what is wrong with them.
    fn coerce(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (name, params, syntax) = (self.name, &self.params, &self.documentation.syntax_example);
        let required = params.iter().filter(|param| !param.optional).count();
        if given.len() < required || given.len() > params.len() {
            return plan_err!("{name} takes {syntax}, but {} arguments were given", given.len());
        }
        let mut coerced = Vec::with_capacity(given.len());
        for (param, given) in params.iter().zip(given) {
            match param.kind.coerce(given) {
                Some(wanted) => coerced.push(wanted),
                None => {
                    return plan_err!("{name}: argument '{}' must be {}, not {given}", param.name, param.kind.wanted());
                }
            }
        }
        Ok(coerced)
    }
}

impl fmt::Debug for SqlFunction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SqlFunction").field("name", &self.name).finish_non_exhaustive()
    }
}

// The name stands for the body: there is one body per name, but for the bound functions, whose identity is
// the address of the data that they hold (alive as long as they are).
impl PartialEq for SqlFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.identity == other.identity
    }
}

impl Eq for SqlFunction {}

impl Hash for SqlFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.identity.hash(state);
    }
}

impl ScalarUDFImpl for SqlFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.coerce(given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let result = (self.body)(&Args { values: &args.args, rows })?;
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
