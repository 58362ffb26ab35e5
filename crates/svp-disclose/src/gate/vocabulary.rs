//! The words that a table may be made of: closed lists of members, totals, words of headers.
//!
//! A cell is known when all of it can be read as members of lists, ages, times, codes of areas or cells of a grid. The lists that
//! ship are in `words.toml`; a site adds its own with [`Dimensions`]. What cannot be read is not known, so it can be anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::levels::level;
use super::numbers::plain;
use super::tokens::{words, words_of};

/// A list that a site gives.
#[derive(Debug, Clone)]
struct Given {
    members: Vec<String>,
    whole: bool,
    level: Option<usize>,
}

/// Lists of members that a site knows, beside those that ship: districts, partnerships, sources, offences, codes.
#[derive(Debug, Clone, Default)]
pub struct Dimensions {
    lists: Vec<Given>,
    headers: BTreeSet<String>,
}

impl Dimensions {
    /// Adds a list. Its members exclude one another: none is the total of others.
    pub fn add(&mut self, members: impl IntoIterator<Item = String>) {
        self.lists.push(Given { members: members.into_iter().collect(), whole: false, level: None });
    }

    /// Adds a list of areas of one level (`district`, `csp`): how narrow ages may be beside them is a rule of the audience.
    pub fn add_areas(&mut self, size: &str, members: impl IntoIterator<Item = String>) {
        self.lists.push(Given { members: members.into_iter().collect(), whole: false, level: level(size) });
    }

    /// Adds names of columns that the site uses: their words are no values.
    pub fn add_headers(&mut self, names: impl IntoIterator<Item = String>) {
        self.headers.extend(names.into_iter().flat_map(|name| words(&name)));
    }

    /// Adds names of what holds all the others: the area, the force.
    pub fn add_wholes(&mut self, members: impl IntoIterator<Item = String>) {
        self.lists.push(Given { members: members.into_iter().collect(), whole: true, level: None });
    }
}

#[derive(Deserialize)]
struct Words {
    joining: Vec<String>,
    total: Vec<String>,
    cumulative: Vec<String>,
    cumulative_phrases: Vec<String>,
    to_come: Vec<String>,
    negating: Vec<String>,
    amount: Vec<String>,
    header: Vec<String>,
    counted: Vec<String>,
    titles: Vec<String>,
    list: Vec<List>,
}

/// A closed list.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct List {
    members: Vec<String>,
    /// Its members have an order that a table follows.
    #[serde(default)]
    pub ordered: bool,
    /// Its members stand beside those of any list: not known, other.
    #[serde(default)]
    pub anywhere: bool,
    /// It is the site's, and names places or kinds.
    #[serde(skip)]
    pub of_site: bool,
    /// Its members hold those of the other lists.
    #[serde(skip)]
    pub whole: bool,
    /// Its members are areas of this level, the smallest being 0.
    #[serde(skip)]
    pub level: Option<usize>,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| toml::from_str(include_str!("words.toml")).ok());

/// The lists that ship and those of a site, ready for looking up.
pub(super) struct Vocabulary {
    pub lists: Vec<List>,
    /// Words of a member, in one blank each, and the lists that hold it with its place there.
    phrases: BTreeMap<String, Vec<(usize, usize)>>,
    /// Every word of a member.
    phrase_words: BTreeSet<String>,
    /// Words of the longest member.
    longest: usize,
    joining: BTreeSet<String>,
    total: BTreeSet<String>,
    cumulative: BTreeSet<String>,
    cumulative_phrases: BTreeSet<String>,
    to_come: BTreeSet<String>,
    negating: BTreeSet<String>,
    amount: BTreeSet<String>,
    header: BTreeSet<String>,
    counted: BTreeSet<String>,
    titles: BTreeSet<String>,
}

/// A member of one list or several: where it stands in them, its text, and how many words it takes.
type Member<'v> = (&'v [(usize, usize)], String, usize);

impl Vocabulary {
    pub fn new(site: &Dimensions) -> Self {
        let words = WORDS.as_ref();
        let set = |of: fn(&Words) -> &Vec<String>| -> BTreeSet<String> {
            words.map(of).into_iter().flatten().cloned().collect()
        };
        let mut lists: Vec<List> = words.map(|w| w.list.clone()).unwrap_or_default();
        lists.extend(site.lists.iter().map(|given| List {
            members: given.members.clone(),
            ordered: false,
            anywhere: false,
            of_site: true,
            whole: given.whole,
            level: given.level,
        }));
        let mut phrases: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (l, list) in lists.iter().enumerate() {
            for (place, member) in list.members.iter().enumerate() {
                let key = words_of(&plain(member)).join(" ");
                // A member that is a number would make every count a member.
                if key.chars().any(char::is_alphabetic) {
                    phrases.entry(key).or_default().push((l, place));
                }
            }
        }
        let longest = phrases.keys().map(|p| p.split(' ').count()).max().unwrap_or_default();
        let phrase_words = phrases.keys().flat_map(|p| p.split(' ')).map(str::to_owned).collect();
        Self {
            phrase_words,
            lists,
            longest,
            phrases,
            joining: set(|w| &w.joining),
            total: set(|w| &w.total),
            cumulative: set(|w| &w.cumulative),
            cumulative_phrases: set(|w| &w.cumulative_phrases),
            to_come: set(|w| &w.to_come),
            negating: set(|w| &w.negating),
            amount: set(|w| &w.amount),
            header: set(|w| &w.header).into_iter().chain(site.headers.iter().cloned()).collect(),
            counted: set(|w| &w.counted),
            titles: set(|w| &w.titles),
        }
    }

    /// The longest member that begins with the first of `words`: its lists and how many words it takes.
    pub fn member(&self, words: &[&str]) -> Option<Member<'_>> {
        (1..=words.len().min(self.longest)).rev().find_map(|n| {
            let key = words[..n].join(" ");
            self.phrases.get(&key).map(|lists| (lists.as_slice(), key, n))
        })
    }

    pub fn is_joining(&self, word: &str) -> bool {
        self.joining.contains(word)
    }

    pub fn is_total(&self, word: &str) -> bool {
        self.total.contains(word)
    }

    pub fn is_counted(&self, word: &str) -> bool {
        self.counted.contains(word)
    }

    pub fn is_title(&self, word: &str) -> bool {
        self.titles.contains(word)
    }

    /// Whether a word turns round what follows: not, without.
    pub fn is_negating(&self, word: &str) -> bool {
        self.negating.contains(word)
    }

    /// Whether a header or a label says that its numbers run on from row to row.
    pub fn is_cumulative(&self, text: &str) -> bool {
        let words = words(text);
        words.iter().any(|word| self.cumulative.contains(word)) || holds_phrase(&words, &self.cumulative_phrases)
    }

    /// Whether a header or a label says that its numbers are what is left: they run off from row to row.
    pub fn is_to_come(&self, text: &str) -> bool {
        holds_phrase(&words(text), &self.to_come)
    }

    /// Whether a header says that its numbers are a cost, a length of time or another multiple of what is counted.
    pub fn is_amount(&self, header: &str) -> bool {
        header.contains(['\u{a3}', '$', '\u{20ac}']) || holds_phrase(&words(header), &self.amount)
    }

    /// Whether a word is a member of a list by itself, and not of one in an order: behind a month or a weekday stands a day.
    pub fn is_member(&self, word: &str) -> bool {
        self.phrases.get(word).is_some_and(|lists| lists.iter().all(|(l, _)| !self.lists[*l].ordered))
    }

    /// Whether a word may stand in a header without being a value.
    pub fn is_header_word(&self, word: &str) -> bool {
        let known = |word: &str| {
            self.header.contains(word)
                || self.joining.contains(word)
                || self.total.contains(word)
                || self.cumulative.contains(word)
                || [&self.cumulative_phrases, &self.to_come, &self.amount].iter().any(|list| list.contains(word))
        };
        known(word)
            || self.phrase_words.contains(word)
            || word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit())
            || word.strip_suffix('s').is_some_and(known)
            // 100k, 2023q1, km2.
            || word.trim_start_matches(|c: char| c.is_ascii_digit()).len() <= 1
    }
}

/// Whether words hold a phrase: its words in a row.
fn holds_phrase(words: &[String], phrases: &BTreeSet<String>) -> bool {
    let longest = phrases.iter().map(|phrase| phrase.split(' ').count()).max().unwrap_or_default();
    (1..=longest.min(words.len())).any(|n| words.windows(n).any(|run| phrases.contains(&run.join(" "))))
}
