//! Ages in queries: a lake keeps bands, so a query may ask at their edges only. At any other age some people would be on neither side.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use svp_contract::{AGE_EDGES, is_age_edge};
use svp_functions::person::age_band::{AGE_GROUP, AGED_UNDER, edges_of};

/// The functions that give the ends of a band.
const ENDS: [&str; 2] = ["age_from", "age_to"];

/// What to do about an age that is no edge.
pub(crate) fn hint() -> String {
    format!("ask at an age of {AGE_EDGES}; an edge that is added there holds for extracts that are loaded after")
}

/// The ages at which a query asks and that are no edges of the bands that are kept, in words; `None` where there is none.
pub(crate) fn unknown_edges(plan: &LogicalPlan) -> Option<String> {
    let mut found = BTreeSet::new();
    // The walk itself refuses nothing.
    let _ = look(plan, &mut found);
    let words: Vec<String> = found
        .into_iter()
        .map(|edge| match edge {
            Some(age) => format!("the age {age} is no edge of the bands of age that are kept"),
            None => format!("{AGED_UNDER} and {AGE_GROUP} take ages that are written out, ascending"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// An age, or (`None`) one that cannot be known before the query runs.
type Edges = BTreeSet<Option<i64>>;

fn look(plan: &LogicalPlan, found: &mut Edges) -> Result<TreeNodeRecursion> {
    plan.apply_with_subqueries(|node| {
        // What is registered as a view is part of the query.
        if let LogicalPlan::TableScan(scan) = node
            && let Some(inner) = scan.source.get_logical_plan()
        {
            look(&inner, found)?;
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                asked(expr, found);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
}

fn asked(expr: &Expr, found: &mut Edges) {
    let mut note = |age: Option<i64>| {
        let known = age.and_then(|age| i32::try_from(age).ok()).is_some_and(is_age_edge);
        if !known {
            found.insert(age);
        }
    };
    match expr {
        Expr::ScalarFunction(call) if call.name() == AGED_UNDER => note(call.args.get(1).and_then(number)),
        Expr::ScalarFunction(call) if call.name() == AGE_GROUP => {
            let Some(edges) = call.args.get(1) else { return };
            match text(edges).and_then(edges_of) {
                Some(edges) => edges.into_iter().for_each(|edge| note(Some(i64::from(edge)))),
                None => note(None),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (end, age, op) = match (end(left), end(right)) {
                (Some(end), None) => (end, number(right), Some(*op)),
                (None, Some(end)) => (end, number(left), op.swap()),
                _ => return,
            };
            // A column is judged where it comes from: those of standard populations are held to the edges when they are read.
            let (Some(age), Some(op)) = (age, op) else { return };
            match op {
                Operator::Lt | Operator::GtEq => note(Some(age)),
                Operator::LtEq | Operator::Gt => note(Some(age + 1)),
                Operator::Eq | Operator::NotEq => note(Some(age + i64::from(end == "age_to"))),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Which end of a band an expression is.
fn end(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::ScalarFunction(call) => ENDS.into_iter().find(|name| call.name() == *name),
        Expr::Cast(cast) => end(&cast.expr),
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        Expr::Cast(cast) => literal(&cast.expr),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<i64> {
    match literal(expr)?.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(number) => number,
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    literal(expr)?.try_as_str().flatten()
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn a_query_asks_at_edges_alone() {
        let ctx = SessionContext::new();
        svp_functions::register(&ctx, Default::default());
        ctx.sql("CREATE TABLE party AS SELECT '20-24' AS age_band, 3 AS years").await.unwrap().collect().await.unwrap();
        let young = "CREATE VIEW young AS SELECT * FROM party WHERE aged_under(age_band, 19)";
        ctx.sql(young).await.unwrap().collect().await.unwrap();
        for (sql, ages) in [
            ("SELECT aged_under(age_band, 25), age_group(age_band), age_group(age_band, '0 18 65') FROM party", vec![]),
            ("SELECT CASE WHEN aged_under(age_band, 16) THEN 1 ELSE 0 END FROM party", vec!["16"]),
            (
                "SELECT 1 FROM party WHERE EXISTS (SELECT 1 FROM party AS p WHERE aged_under(p.age_band, 17))",
                vec!["17"],
            ),
            ("SELECT age_group(age_band, '0 16 25 34') FROM party GROUP BY 1", vec!["16", "34"]),
            (
                "SELECT 1 FROM party WHERE age_to(age_band) < 25 AND age_from(age_band) >= 10 AND age_to(age_band) <= 24",
                vec![],
            ),
            (
                "SELECT 1 FROM party WHERE age_to(age_band) < 26 OR 12 <= age_from(age_band) OR age_to(age_band) <= 25",
                vec!["12", "26"],
            ),
            ("SELECT * FROM young", vec!["19"]),
            ("SELECT aged_under(age_band, years) FROM party", vec!["written out"]),
            ("SELECT age_group(age_band, '25 18') FROM party", vec!["written out"]),
        ] {
            let plan = ctx.sql(sql).await.unwrap().into_unoptimized_plan();
            let said = unknown_edges(&plan);
            assert_eq!(said.is_some(), !ages.is_empty(), "{sql}: {said:?}");
            let said = said.unwrap_or_default();
            assert_eq!(
                said.matches("the age").count() + said.matches("written out").count(),
                ages.len(),
                "{sql}: {said}"
            );
            assert!(ages.iter().all(|age| said.contains(age)), "{sql}: {said}");
        }
    }
}
