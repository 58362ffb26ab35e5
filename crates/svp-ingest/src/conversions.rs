//! The conversions inside a mapping: where text was there and nothing came of it, a value could not be read.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{ScalarFunction, TryCast};
use svp_functions::converted_argument;

use crate::plan::Ready;

/// One conversion inside a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Conversion {
    /// The text that is converted.
    pub input: Ready,
    /// The conversion; `None` where it is the whole mapping, whose result is at hand.
    pub output: Option<Ready>,
    /// It is one of several choices: where it gives nothing, another may.
    pub choice: bool,
    /// `unknown_code` or `unreadable`.
    pub rule: &'static str,
    /// How text that stands for no value of this kind is told from text that cannot be read.
    pub dummies: Option<Dummies>,
}

/// What stands for no value, by `schemas/placeholders.csv`.
#[derive(Debug, Clone)]
pub(crate) enum Dummies {
    /// Texts of a field of the list.
    Field(&'static str),
    /// Dates: the text is read as one that may be any.
    Date(Ready),
}

/// A conversion that was found in a mapping.
pub(crate) struct Found {
    /// All of it, casts of its result included.
    pub node: Expr,
    /// The function; `None` for a cast of something else.
    pub call: Option<ScalarFunction>,
    /// What is converted.
    pub from: Expr,
    pub top: bool,
    pub choice: bool,
}

/// Collects the outermost conversions of an expression: which of them is the whole of it, and which stands among choices. A cast to
/// anything but text can fail as a conversion does.
pub(crate) fn outermost(expr: &Expr, top: bool, choice: bool, found: &mut Vec<Found>) {
    let mut inside = choice;
    match expr {
        Expr::ScalarFunction(call) => {
            if let Some(at) = converted_argument(&call.func) {
                let from = call.args.get(at).cloned();
                found.extend(from.map(|from| Found {
                    node: expr.clone(),
                    call: Some(call.clone()),
                    from,
                    top,
                    choice,
                }));
                return;
            }
            inside |= call.name() == "coalesce";
        }
        Expr::Cast(cast) if !cast.field.data_type().is_string() => {
            let before = found.len();
            outermost(&cast.expr, false, choice, found);
            match &mut found[before..] {
                [] => {
                    let from = (*cast.expr).clone();
                    found.push(Found { node: expr.clone(), call: None, from, top, choice });
                }
                // A conversion and the cast of its result are one.
                [one] if one.node == *cast.expr => (one.node, one.top) = (expr.clone(), top),
                _ => {}
            }
            return;
        }
        _ => {}
    }
    let _ = expr.apply_children(|child| {
        outermost(child, false, inside, found);
        Ok(TreeNodeRecursion::Continue)
    });
}

/// A cast that fails on one value gives NULL for it: a value is no reason to stop.
pub(crate) fn forgiving(expr: Expr) -> datafusion::common::Result<Expr> {
    let kinder = expr.transform_up(|node| {
        Ok(match node {
            Expr::Cast(cast) => Transformed::yes(Expr::TryCast(TryCast::new_from_field(cast.expr, cast.field))),
            other => Transformed::no(other),
        })
    })?;
    Ok(kinder.data)
}
