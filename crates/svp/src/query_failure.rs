//! What is said of a query that cannot be planned or fails while it runs: never a value.

use std::collections::BTreeSet;

use arrow::error::ArrowError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use svp_app::AppError;

/// Bytes of a statement at most.
const LONGEST: usize = 1024 * 1024;
/// Operators of a statement at most: each can be one level of an expression, and every step of planning walks all levels.
const OPERATORS: usize = 2_000;
/// Expressions that are named at most.
const NAMED: usize = 3;

/// Refuses a statement that is too long, or could be too deep, to be planned.
///
/// # Errors
/// [`AppError::Query`].
pub fn bounded(query: &str) -> Result<(), AppError> {
    if query.len() > LONGEST {
        return Err(AppError::Query(format!("the query has {} bytes, and {LONGEST} are the most", query.len())));
    }
    // What is no sequence of tokens is refused where it is planned.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, query).tokenize() else { return Ok(()) };
    let tokens: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    // The sign of a number in a list makes nothing deeper, however long the list is.
    let is_sign = |at: usize| {
        matches!(tokens[at], Token::Minus | Token::Plus)
            && at.checked_sub(1).is_some_and(|before| matches!(tokens[before], Token::Comma | Token::LParen))
            && matches!(tokens.get(at + 1), Some(Token::Number(..)))
    };
    let operators = (0..tokens.len()).filter(|at| deepens(tokens[*at]) && !is_sign(*at)).count();
    if operators > OPERATORS {
        return Err(AppError::Query(format!(
            "the query has {operators} operators, and {OPERATORS} are the most: write a long choice as IN (…), or a sum over rows"
        )));
    }
    Ok(())
}

/// Whether a token can make an expression or a plan one level deeper.
fn deepens(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::IS
                | Keyword::CASE
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::JOIN
        ),
        // Dots, commas and brackets: brackets that are nested too deeply are refused by the parser.
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::SemiColon
        | Token::EOF => false,
        _ => true,
    }
}

/// The kinds of failure that are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cast,
    Zero,
    Range,
    Function,
    Memory,
    File,
    Other,
}

/// The failure of a query: its kind, and which expressions of the plan it can have come from.
pub fn told(error: &DataFusionError, plan: &LogicalPlan) -> AppError {
    let kind = kind(error);
    let (what, hint) = match kind {
        Kind::Cast => ("a cast met a value that it cannot take", "write try_cast in place of cast: it gives NULL"),
        Kind::Zero => ("a division by zero", "write nullif(…, 0) in the divisor"),
        Kind::Range => ("a number grew beyond its type", "cast to a larger type first, such as DOUBLE"),
        Kind::Function => (
            "a function met a value that it cannot take",
            "leave such rows out with WHERE, or look at the function's page: `svp dictionary functions`",
        ),
        Kind::Memory => ("memory ran out", "give more --memory, fewer --threads, or ask for less"),
        Kind::File => ("a file of the lake could not be read", "`svp check --lake LAKE` names every damaged file"),
        Kind::Other => ("the engine stopped", "ask for less at a time, to see which part it is"),
    };
    let suspects = suspects(kind, plan);
    let at = match suspects.len() {
        0 => String::new(),
        1 => format!(", in {}", suspects.concat()),
        n if n > NAMED => format!(", in one of {} and {} more", suspects[..NAMED].join(", "), n - NAMED),
        _ => format!(", in one of {}", suspects.join(", ")),
    };
    AppError::QueryFailed { what: format!("{what}{at}"), hint }
}

fn kind(error: &DataFusionError) -> Kind {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::CastError(_) | ArrowError::ParseError(_) => Kind::Cast,
            ArrowError::DivideByZero => Kind::Zero,
            ArrowError::ArithmeticOverflow(_) => Kind::Range,
            ArrowError::ParquetError(_) | ArrowError::IoError(..) | ArrowError::ExternalError(_) => Kind::File,
            ArrowError::MemoryError(_) => Kind::Memory,
            _ => Kind::Function,
        },
        DataFusionError::ResourcesExhausted(_) => Kind::Memory,
        DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Kind::File,
        DataFusionError::Execution(_) => Kind::Function,
        _ => Kind::Other,
    }
}

/// The expressions of a plan, as the user wrote them, that can fail in this way.
fn suspects(kind: Kind, plan: &LogicalPlan) -> Vec<String> {
    let mut found = BTreeSet::new();
    let fits = |expr: &Expr| match (kind, expr) {
        (Kind::Cast, Expr::Cast(_)) => true,
        (Kind::Zero, Expr::BinaryExpr(e)) => matches!(e.op, Operator::Divide | Operator::Modulo),
        (Kind::Range, Expr::BinaryExpr(e)) => matches!(e.op, Operator::Plus | Operator::Minus | Operator::Multiply),
        (Kind::Function, Expr::ScalarFunction(_)) => true,
        _ => false,
    };
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if fits(part) {
                    found.insert(part.to_string());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    // A plan that cannot be walked names nothing.
    if walked.is_ok() { found.into_iter().collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    /// How a query over two rows of made-up tokens fails.
    async fn fails(select: &str) -> String {
        let ctx = SessionContext::new();
        let query = format!(
            "SELECT {select} FROM (VALUES ('c97e66e7', 1, 0), ('19900312', 2147483647, 0)) AS t(token, n, zero)"
        );
        let df = ctx.sql(&query).await.unwrap();
        let plan = df.logical_plan().clone();
        let error = told(&df.collect().await.unwrap_err(), &plan);
        let said = format!("{error} {}", svp_contract::Advice::hint(&error).unwrap());
        assert!(!said.contains("c97e66e7") && !said.contains("19900312") && !said.contains("2147483647"), "{said}");
        said
    }

    #[tokio::test]
    async fn a_failure_names_the_expression_and_never_the_value() {
        let said = fails("CAST(token AS INT)").await;
        assert!(said.contains("a cast met a value") && said.contains("CAST(t.token AS Int32)"), "{said}");
        assert!(said.contains("try_cast"), "{said}");
        let said = fails("n % zero").await;
        assert!(said.contains("division by zero") && said.contains("t.n % t.zero"), "{said}");
        let said = fails("CAST(token AS INT) AS a, CAST(token AS DATE) AS b").await;
        assert!(said.contains("in one of "), "{said}");
    }

    #[test]
    fn a_statement_that_is_too_deep_or_too_long_is_refused() {
        assert!(bounded(&format!("SELECT 1{}", "+1".repeat(1_900))).is_ok());
        let deep = bounded(&format!("SELECT 1{}", "+1".repeat(30_000)));
        assert!(matches!(&deep, Err(AppError::Query(what)) if what.contains("30000 operators")), "{deep:?}");
        // A long list is wide and not deep.
        let wide = format!("SELECT 1 WHERE 1 IN ({})", vec!["1"; 100_000].join(","));
        assert!(bounded(&wide).is_ok());
        assert!(bounded(&" ".repeat(LONGEST + 1)).is_err());
        assert!(bounded("SELECT 'unclosed").is_ok());
    }
}
