//! The pages of a trial, by template. Texts are escaped for HTML and XML.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::TrialError;

/// Renders a template.
pub(crate) fn render(name: &'static str, text: &str, context: Value) -> Result<String, TrialError> {
    let failed = |_| TrialError::Template { name };
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let mut environment = Environment::new();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_named_str(name, text, context).map_err(failed)
}
