//! The words, numbers and signs of a text.

/// A token of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(u32, String),
    Sign(char),
}

/// Cuts a text that [`plain`](super::numbers::plain) has made.
pub(super) fn tokens(small: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut run = String::new();
    let flush = |run: &mut String, out: &mut Vec<Token>| {
        if run.is_empty() {
            return;
        }
        let text = std::mem::take(run);
        match text.parse::<u32>() {
            Ok(n) if text.bytes().all(|b| b.is_ascii_digit()) => out.push(Token::Number(n, text)),
            _ => out.push(Token::Word(text)),
        }
    };
    for c in small.chars() {
        if c.is_alphanumeric() {
            run.push(c);
            continue;
        }
        // An apostrophe belongs to its word.
        if matches!(c, '\'' | '\u{2019}') {
            continue;
        }
        flush(&mut run, &mut out);
        if matches!(
            c,
            '+' | '-' | '<' | '>' | '\u{2264}' | '\u{2265}' | '/' | ':' | '=' | '(' | '~' | '*' | '#' | '%' | '.' | '@'
        ) {
            out.push(Token::Sign(c));
        }
    }
    flush(&mut run, &mut out);
    out
}

/// The words of a text that [`plain`](super::numbers::plain) has made, signs gone.
pub(super) fn words_of(small: &str) -> Vec<String> {
    let word = |token| match token {
        Token::Word(word) => Some(word),
        Token::Number(_, text) => Some(text),
        Token::Sign(_) => None,
    };
    tokens(small).into_iter().filter_map(word).collect()
}

/// The words of a name, in lower case, cut at anything but letters and digits and where a capital follows a small.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase()) {
            out.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), out.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    out.retain(|word| !word.is_empty());
    out
}
