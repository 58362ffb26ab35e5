//! Where the columns of a query come from: each is followed through its logical plan to columns of tables.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

/// The name that the engine gives to what is held in memory; the view over it has the name that it is known by.
pub(crate) const UNNAMED: &str = "?table?";

/// A stored table that a run may have as a view over itself, in which columns that depend on the area are those of the area that asks
/// (`svp_ingest::elsewhere`): it has the columns of its schema either way, and the way ends there. Only a table that svp registered
/// under the name counts; an alias of a query does not.
const STORED: &str = "event";

/// Functions that give back one of the values that they were given. All others say how many there were, or can.
const GIVE_BACK: [&str; 8] =
    ["min", "max", "first_value", "last_value", "any_value", "bool_and", "bool_or", "nth_value"];

/// A column that a value comes from, or (with no column) the rows of a table that it counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// Table, or a view at which the way ends.
    pub table: String,
    /// Column; `None` where the number of rows is told.
    pub column: Option<String>,
}

/// Follows columns; the way ends at tables and at the views that `ends` names.
pub(crate) struct Lineage<'a> {
    pub ends: &'a [&'a str],
}

impl Lineage<'_> {
    /// Where a column of a plan comes from, by its position.
    pub fn of(&self, plan: &LogicalPlan, column: usize) -> BTreeSet<Origin> {
        let mut out = BTreeSet::new();
        self.field(plan, column, None, &mut out);
        out
    }

    fn field(&self, plan: &LogicalPlan, column: usize, alias: Option<&str>, out: &mut BTreeSet<Origin>) {
        let name = || plan.schema().fields().get(column).map_or(String::new(), |f| f.name().clone());
        match plan {
            LogicalPlan::Projection(p) => {
                if let Some(expr) = p.expr.get(column) {
                    self.expr(expr, &[&p.input], out);
                }
            }
            LogicalPlan::SubqueryAlias(s) => {
                let table = s.alias.table();
                if self.ends.contains(&table) {
                    out.insert(Origin { table: table.to_owned(), column: Some(name()) });
                } else {
                    self.field(&s.input, column, Some(table), out);
                }
            }
            LogicalPlan::Subquery(s) => self.field(&s.subquery, column, alias, out),
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => {
                for input in plan.inputs() {
                    self.field(input, column, alias, out);
                }
            }
            LogicalPlan::Distinct(Distinct::On(on)) => {
                if let Some(expr) = on.select_expr.get(column) {
                    self.expr(expr, &[&on.input], out);
                }
            }
            LogicalPlan::Aggregate(a) => {
                let groups = a.group_expr.len();
                let expr = a.group_expr.get(column).or_else(|| a.aggr_expr.get(column.wrapping_sub(groups)));
                if let Some(expr) = expr {
                    self.expr(expr, &[&a.input], out);
                }
            }
            LogicalPlan::Window(w) => {
                let fields = w.input.schema().fields().len();
                match column.checked_sub(fields) {
                    None => self.field(&w.input, column, alias, out),
                    Some(at) => {
                        if let Some(expr) = w.window_expr.get(at) {
                            self.expr(expr, &[&w.input], out);
                        }
                    }
                }
            }
            LogicalPlan::Join(j) => {
                let left = match j.join_type {
                    JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => 0,
                    _ => j.left.schema().fields().len(),
                };
                let right = match j.join_type {
                    JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => 0,
                    _ => j.right.schema().fields().len(),
                };
                if column < left {
                    self.field(&j.left, column, None, out);
                } else if column - left < right {
                    self.field(&j.right, column - left, None, out);
                }
            }
            LogicalPlan::Union(u) => {
                for input in &u.inputs {
                    self.field(input, column, None, out);
                }
            }
            LogicalPlan::Unnest(u) => {
                if let Some(&from) = u.dependency_indices.get(column) {
                    self.field(&u.input, from, alias, out);
                }
            }
            LogicalPlan::RecursiveQuery(q) => {
                self.field(&q.static_term, column, alias, out);
            }
            LogicalPlan::TableScan(scan) => {
                let at = scan.projection.as_ref().and_then(|p| p.get(column).copied()).unwrap_or(column);
                match scan.source.get_logical_plan() {
                    Some(view) if scan.table_name.table() != STORED => {
                        self.field(&view, at, Some(scan.table_name.table()), out);
                    }
                    _ => {
                        out.insert(Origin { table: self.table(scan.table_name.table(), alias), column: Some(name()) });
                    }
                }
            }
            LogicalPlan::Values(v) => {
                for expr in v.values.iter().filter_map(|row| row.get(column)) {
                    self.expr(expr, &[], out);
                }
            }
            LogicalPlan::EmptyRelation(_) => {}
            // What no query of a site is made of is not followed, and counts as private.
            _ => {
                out.insert(Origin { table: String::new(), column: Some(name()) });
            }
        }
    }

    /// The table of a scan: what is held in memory has the name of the view over it.
    fn table(&self, scanned: &str, alias: Option<&str>) -> String {
        if scanned == UNNAMED { alias.unwrap_or_default().to_owned() } else { scanned.to_owned() }
    }

    fn expr(&self, expr: &Expr, inputs: &[&LogicalPlan], out: &mut BTreeSet<Origin>) {
        // Nothing in here fails; the walk only wants a result.
        let _ = expr.apply(|e| {
            match e {
                Expr::Column(column) => {
                    for input in inputs {
                        if let Some(at) = input.schema().maybe_index_of_column(column) {
                            self.field(input, at, None, out);
                        }
                    }
                }
                Expr::OuterReferenceColumn(_, column) => {
                    out.insert(Origin { table: String::new(), column: Some(column.name.clone()) });
                }
                Expr::ScalarSubquery(query) => self.field(&query.subquery, 0, None, out),
                Expr::AggregateFunction(f) if !GIVE_BACK.contains(&f.func.name()) => {
                    inputs.iter().for_each(|input| self.rows(input, None, out));
                }
                Expr::WindowFunction(f) if !GIVE_BACK.contains(&f.fun.name()) => {
                    inputs.iter().for_each(|input| self.rows(input, None, out));
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
    }

    /// Every table whose rows a plan is made of.
    fn rows(&self, plan: &LogicalPlan, alias: Option<&str>, out: &mut BTreeSet<Origin>) {
        match plan {
            LogicalPlan::SubqueryAlias(s) => {
                let table = s.alias.table();
                if self.ends.contains(&table) {
                    out.insert(Origin { table: table.to_owned(), column: None });
                } else {
                    self.rows(&s.input, Some(table), out);
                }
            }
            LogicalPlan::TableScan(scan) => match scan.source.get_logical_plan() {
                Some(view) if scan.table_name.table() != STORED => {
                    self.rows(&view, Some(scan.table_name.table()), out);
                }
                _ => {
                    out.insert(Origin { table: self.table(scan.table_name.table(), alias), column: None });
                }
            },
            _ => {
                for input in plan.inputs() {
                    self.rows(input, alias, out);
                }
            }
        }
    }
}
