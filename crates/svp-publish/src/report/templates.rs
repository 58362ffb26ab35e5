//! The one template environment. Every template is compiled in; HTML is escaped by file name.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::error::PublishError;

/// Every template by name.
const TEMPLATES: [(&str, &str); 13] = [
    ("report.html", include_str!("../../templates/report.html")),
    ("cover.html", include_str!("../../templates/cover.html")),
    ("result.html", include_str!("../../templates/result.html")),
    ("map.html", include_str!("../../templates/map.html")),
    ("heat.html", include_str!("../../templates/heat.html")),
    ("bars.html", include_str!("../../templates/bars.html")),
    ("line.html", include_str!("../../templates/line.html")),
    ("legend.html", include_str!("../../templates/legend.html")),
    ("table.html", include_str!("../../templates/table.html")),
    ("back.html", include_str!("../../templates/back.html")),
    ("style.css", include_str!("../../templates/style.css")),
    ("script.js", include_str!("../../templates/script.js")),
    ("readme.txt", include_str!("../../templates/readme.txt")),
];

/// Renders one template.
pub(crate) fn render(name: &'static str, context: impl Into<Value>) -> Result<String, PublishError> {
    let failed = |source| PublishError::Template { template: name, source };
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .map_err(failed)?,
    );
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (template, text) in TEMPLATES {
        environment.add_template(template, text).map_err(failed)?;
    }
    environment.get_template(name).and_then(|template| template.render(context)).map_err(failed)
}
