//! The conversions inside a mapping: where text was there and nothing came of it, a value could not be read.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{ScalarFunction, TryCast};
use svp_functions::converted_argument;

use crate::ready::Ready;

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
    /// The map that it is converted by, here or further in: `parse_flag(code_map(…))` loses what the map does not know.
    pub map: Option<ScalarFunction>,
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
                let Some(from) = call.args.get(at) else { return };
                let mut further = Vec::new();
                outermost(from, false, choice, &mut further);
                let map = Some(call.clone()).filter(|call| call.name() == "code_map");
                // Text that goes through two conversions is lost by either.
                let (from, map) = match <[Found; 1]>::try_from(further) {
                    Ok([inner]) if inner.node == *from => (inner.from, map.or(inner.map)),
                    _ => (from.clone(), map),
                };
                found.push(Found { node: expr.clone(), call: Some(call.clone()), from, map, top, choice });
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
                    found.push(Found { node: expr.clone(), call: None, from, map: None, top, choice });
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
