//! What a SQL expression names: columns, and the functions that it calls. Read from the parsed expression, never from its text.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Value, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// The names in an expression, in the order of its text. Names without quotes are in small letters, as the engine reads them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Columns.
    pub columns: Vec<String>,
    /// Functions, and the text that is the first argument, where that is given as text.
    pub calls: Vec<(String, Option<String>)>,
}

/// What an expression names; nothing where the text is no expression, which planning tells.
pub(crate) fn named(sql: &str) -> Named {
    let mut out = Named::default();
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
    let Ok(expr) = parsed else { return out };
    let _ = visit_expressions(&expr, |node| {
        match node {
            Expr::Identifier(name) => out.columns.push(folded(name)),
            Expr::CompoundIdentifier(names) => out.columns.extend(names.iter().map(folded)),
            Expr::Function(call) => out.calls.push((call.name.to_string().to_lowercase(), first_text(call))),
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    out
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

fn first_text(call: &Function) -> Option<String> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = list.args.first()? else { return None };
    if let Value::SingleQuotedString(text) = &value.value { Some(text.clone()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_parsed_expression() {
        let found = named(
            "coalesce(LOOKUP('lsoa_district', Lsoa), area_at ( 'district', e, n)) || 'x(y' || CASE WHEN \"file.sender\" = 'a' THEN f(p.easting) END",
        );
        let calls: Vec<(&str, Option<&str>)> = found.calls.iter().map(|(n, a)| (n.as_str(), a.as_deref())).collect();
        let mut sorted = calls.clone();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            [("area_at", Some("district")), ("coalesce", None), ("f", None), ("lookup", Some("lsoa_district"))]
        );
        assert_eq!(found.columns, ["lsoa", "e", "n", "file.sender", "p", "easting"]);
        assert_eq!(named("this is ( no expression"), Named::default());
    }
}
