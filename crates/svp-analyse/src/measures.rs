//! What a count of an output is made of: its column is followed through the logical plan to the aggregate that counts.
//!
//! Disclosure control hides counts from 1 to one less than its threshold. A number that is a multiple of a count, or a count and a
//! constant, passes as a large count and tells the small one. So each count, and what stands beside it to judge it, has to be one:
//! `count`, a sum of counts, of 0 and 1, of weights that svp's own functions give, or of a number that a stored table holds openly.
//! How often a join repeats a row is not seen here.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan, Operator};
use svp_contract::{Column, ColumnType, CountColumn, Output, Sensitivity, Table};
use svp_functions::place::place_weights::WHOLE;

use crate::lineage::UNNAMED;

/// What is said of all of them.
pub(crate) const HINT: &str = "a count is `count(…)`, or a sum of counts, of 0 and 1, or of the weights of aoristic_hours and place_weights; \
                               what is multiplied, divided or added belongs into `derived`, which sees no number that is hidden";

/// Functions that spread an event over hours or cells, in weights that sum to [`WHOLE`].
const SPREAD: [&str; 2] = ["aoristic_hours", "place_weights"];

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    /// 0 or NULL.
    Nothing,
    /// 0 or 1, or yes or no.
    Flag,
    /// A constant.
    Number(f64),
    /// A number that a table of records holds openly.
    Stored,
    /// What a function gives that spreads an event.
    Spread,
    /// A weight of it.
    Weight,
    /// How many there are, times a factor.
    Count(f64),
    /// Anything else, in words.
    No(&'static str),
}

use Measure::{Count, Flag, No, Nothing, Number, Spread, Stored, Weight};

/// Counts of an output whose query was planned that are none, and what they are.
pub(crate) fn faults(tables: &[Table], output: &Output, plan: &LogicalPlan) -> Vec<String> {
    let follow = Follow { tables };
    let judged = |count: &CountColumn| {
        let beside = [&count.contributors, &count.largest].into_iter().flatten().cloned();
        std::iter::once(count.name.clone()).chain(beside).collect::<Vec<String>>()
    };
    let mut out = Vec::new();
    for name in output.counts.iter().flat_map(judged) {
        let Some(at) = plan.schema().fields().iter().position(|f| *f.name() == name) else { continue };
        let what = match follow.field(plan, at) {
            Nothing => continue,
            Count(factor) if (factor - 1.0).abs() < 1e-9 => continue,
            Count(_) => "a multiple of a count",
            Flag | Number(_) => "a constant, and nothing is counted",
            Stored => "a stored number, and nothing is counted",
            Spread | Weight => "a weight, and nothing is summed",
            No(what) => what,
        };
        out.push(format!("`{name}` is no count: it is {what}"));
    }
    out
}

struct Follow<'a> {
    tables: &'a [Table],
}

impl Follow<'_> {
    fn field(&self, plan: &LogicalPlan, column: usize) -> Measure {
        match plan {
            LogicalPlan::Projection(p) => p.expr.get(column).map_or(No("unknown"), |e| self.expr(e, &p.input)),
            LogicalPlan::SubqueryAlias(s) => self.field(&s.input, column),
            LogicalPlan::Subquery(s) => self.field(&s.subquery, column),
            LogicalPlan::Filter(f) => self.field(&f.input, column),
            LogicalPlan::Sort(s) => self.field(&s.input, column),
            LogicalPlan::Limit(l) => self.field(&l.input, column),
            LogicalPlan::Repartition(r) => self.field(&r.input, column),
            LogicalPlan::Distinct(Distinct::All(input)) => self.field(input, column),
            LogicalPlan::Distinct(Distinct::On(on)) => {
                on.select_expr.get(column).map_or(No("unknown"), |e| self.expr(e, &on.input))
            }
            LogicalPlan::Aggregate(a) => {
                let groups = a.group_expr.len();
                let expr = a.group_expr.get(column).or_else(|| a.aggr_expr.get(column.wrapping_sub(groups)));
                expr.map_or(No("unknown"), |e| self.expr(e, &a.input))
            }
            LogicalPlan::Window(w) if column < w.input.schema().fields().len() => self.field(&w.input, column),
            LogicalPlan::Window(_) => No("made by a window function"),
            LogicalPlan::Join(j) => {
                let left = match j.join_type {
                    JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => 0,
                    _ => j.left.schema().fields().len(),
                };
                if column < left { self.field(&j.left, column) } else { self.field(&j.right, column - left) }
            }
            LogicalPlan::Union(u) => {
                u.inputs.iter().map(|input| self.field(input, column)).reduce(either).unwrap_or(No("unknown"))
            }
            LogicalPlan::Unnest(u) => {
                u.dependency_indices.get(column).map_or(No("unknown"), |&from| self.field(&u.input, from))
            }
            LogicalPlan::Values(v) => {
                let rows = v.values.iter().filter_map(|row| row.get(column)).map(|e| self.expr(e, plan));
                rows.reduce(either).unwrap_or(Nothing)
            }
            LogicalPlan::EmptyRelation(_) => Nothing,
            LogicalPlan::TableScan(scan) => {
                let at = scan.projection.as_ref().and_then(|p| p.get(column).copied()).unwrap_or(column);
                match scan.source.get_logical_plan() {
                    Some(view) => self.field(&view, at),
                    None => self.stored(scan.table_name.table(), scan.source.schema().field(at).name()),
                }
            }
            _ => No("made in a way that is not followed"),
        }
    }

    /// A column of a table: yes or no may be summed, and a number of records that says nothing of a person.
    /// What is held in memory has no name of its own: what every table says of a column of that name holds.
    fn stored(&self, table: &str, column: &str) -> Measure {
        let named = |t: &&Table| t.name == table || table == UNNAMED;
        let found: Vec<(&Table, &Column)> = self
            .tables
            .iter()
            .filter(named)
            .filter_map(|t| Some((t, t.columns.iter().find(|c| c.name == column)?)))
            .collect();
        let open = |(t, c): &(&Table, &Column)| c.sensitivity == Sensitivity::Open && t.zone != "reference";
        match found.is_empty() {
            false if found.iter().all(|(_, c)| c.kind == ColumnType::Boolean) => Flag,
            false if found.iter().all(open) => Stored,
            _ => No("made of a column that counts nothing"),
        }
    }

    fn expr(&self, expr: &Expr, input: &LogicalPlan) -> Measure {
        match expr {
            Expr::Alias(a) => self.expr(&a.expr, input),
            Expr::Cast(c) => self.expr(&c.expr, input),
            Expr::TryCast(c) => self.expr(&c.expr, input),
            Expr::Column(column) => match input.schema().maybe_index_of_column(column) {
                Some(at) => self.field(input, at),
                None => No("unknown"),
            },
            Expr::Literal(value, _) => constant(value),
            Expr::Unnest(u) => self.expr(&u.expr, input),
            Expr::ScalarSubquery(query) => self.field(&query.subquery, 0),
            Expr::Case(case) => {
                let ends = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
                ends.map(|e| self.expr(e, input)).reduce(either).unwrap_or(Nothing)
            }
            Expr::BinaryExpr(b) => match b.op {
                Operator::Multiply => times(self.expr(&b.left, input), self.expr(&b.right, input)),
                Operator::Divide => over(self.expr(&b.left, input), self.expr(&b.right, input)),
                Operator::Plus | Operator::Minus | Operator::Modulo => No("made by arithmetic"),
                op if op.is_numerical_operators() => No("made by arithmetic"),
                _ => Flag,
            },
            Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::InList(_)
            | Expr::Between(_)
            | Expr::Like(_)
            | Expr::Exists(_)
            | Expr::InSubquery(_) => Flag,
            Expr::ScalarFunction(f) => {
                let of = |at: usize| f.args.get(at).map_or(No("unknown"), |e| self.expr(e, input));
                match f.name() {
                    name if SPREAD.contains(&name) => Spread,
                    "get_field" => match (of(0), f.args.get(1)) {
                        (Spread, Some(Expr::Literal(name, _)))
                            if name.try_as_str().flatten().is_some_and(|n| n == "weight") =>
                        {
                            Weight
                        }
                        _ => No("made of a part of a value"),
                    },
                    "coalesce" => f.args.iter().map(|e| self.expr(e, input)).reduce(either).unwrap_or(Nothing),
                    // What gives the same count for a whole one.
                    "nullif" | "arrow_cast" => of(0),
                    "round" | "floor" | "ceil" if f.args.len() == 1 => of(0),
                    _ => No("made by a function"),
                }
            }
            Expr::AggregateFunction(f) => self.aggregate(f, input),
            Expr::WindowFunction(_) => No("made by a window function"),
            _ => No("made in a way that is not followed"),
        }
    }

    fn aggregate(&self, f: &AggregateFunction, input: &LogicalPlan) -> Measure {
        let of = || f.params.args.first().map_or(No("unknown"), |e| self.expr(e, input));
        match f.func.name() {
            "count" => Count(1.0),
            "sum" => match of() {
                Flag | Stored => Count(1.0),
                Number(n) | Count(n) => Count(n),
                Weight => Count(WHOLE as f64),
                Spread => No("made in a way that is not followed"),
                other => other,
            },
            // One of the values that were given.
            "min" | "max" | "first_value" | "last_value" | "any_value" | "bool_and" | "bool_or" => of(),
            _ => No("made by an aggregate that does not count"),
        }
    }
}

fn constant(value: &ScalarValue) -> Measure {
    if value.is_null() {
        return Nothing;
    }
    match value.cast_to(&arrow::datatypes::DataType::Float64) {
        Ok(ScalarValue::Float64(Some(0.0))) => Nothing,
        Ok(ScalarValue::Float64(Some(1.0))) => Flag,
        Ok(ScalarValue::Float64(Some(n))) => Number(n),
        _ => No("made of a constant"),
    }
}

/// One of two values, by rows.
fn either(a: Measure, b: Measure) -> Measure {
    match (a, b) {
        (Nothing, other) | (other, Nothing) => other,
        (a, b) if a == b => a,
        (No(why), _) | (_, No(why)) => No(why),
        _ => No("one thing in some rows and another in others"),
    }
}

/// A constant as a factor.
fn factor(measure: Measure) -> Option<f64> {
    match measure {
        Number(n) => Some(n),
        Flag => Some(1.0),
        _ => None,
    }
}

fn times(a: Measure, b: Measure) -> Measure {
    match (a, b) {
        (Count(n), other) | (other, Count(n)) => factor(other).map_or(No("made by arithmetic"), |f| Count(n * f)),
        (a, b) => match (a, b) {
            (Number(a), Number(b)) => Number(a * b),
            _ => No("made by arithmetic"),
        },
    }
}

fn over(a: Measure, b: Measure) -> Measure {
    match (a, b) {
        (Count(n), Number(by)) if by != 0.0 => Count(n / by),
        (Number(a), Number(b)) if b != 0.0 => Number(a / b),
        _ => No("made by arithmetic"),
    }
}
