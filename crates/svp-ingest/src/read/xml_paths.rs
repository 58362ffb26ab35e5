//! The paths of a feed: the record, its unit, and where each column is looked for.

use std::collections::BTreeMap;

use super::XmlOptions;
use super::error::ReadError;
use super::xml_tree::Names;

/// Most bytes that are kept of one value above the unit.
pub(super) const MAX_SLOT: usize = 64 * 1024;

/// Most bytes of a value of the document: years, dates, codes. Longer ones are no such thing.
const MAX_DOCUMENT: usize = 100;

/// A value above the unit that some column may ask for.
#[derive(Debug)]
pub(super) struct Slot {
    path: Vec<String>,
    open: bool,
    /// Whether the element has occurred.
    pub seen: bool,
    /// Its text; several of them joined by spaces.
    pub text: String,
}

/// Where a column's value is looked for.
#[derive(Debug)]
pub(super) enum Target {
    /// Below the record element only.
    Own(Vec<u32>),
    /// In the record, then in its ancestors within the unit, then in these slots.
    Nearest { path: Vec<u32>, above: Vec<usize> },
    /// In the first of these slots that occurred.
    Absolute(Vec<usize>),
}

/// Everything that the walk compares names with.
#[derive(Debug)]
pub(super) struct Paths {
    /// The unit's path from the root.
    pub unit: Vec<String>,
    /// The record's path from the unit.
    pub record: Vec<u32>,
    /// One entry per column.
    pub targets: Vec<Target>,
    /// Values above the unit.
    pub slots: Vec<Slot>,
    /// The names that matter.
    pub names: Names,
    /// Whether any column asks for an attribute.
    pub attributes: bool,
    /// Full paths, from the root, at which some column looks, and the record's own.
    pub read: Vec<Vec<String>>,
    /// Values of the document for the account: the path as the source writes it, and where they are.
    pub document: Vec<(String, Vec<usize>)>,
}

/// The steps of a path.
pub(super) fn steps(path: &str) -> Vec<String> {
    path.split('/').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

impl Paths {
    pub(super) fn new(options: &XmlOptions, columns: &[String]) -> Result<Self, ReadError> {
        let record = steps(&options.record);
        if record.is_empty() {
            return Err(ReadError::Options { reason: "an XML feed needs the path of its record element" });
        }
        let unit = match &options.unit {
            Some(unit) => steps(unit),
            None => record.iter().take(3).cloned().collect(),
        };
        if unit.is_empty() || !record.starts_with(&unit) {
            return Err(ReadError::Options { reason: "the XML unit must be a leading part of the record path" });
        }
        let mut names = Names::default();
        let below: Vec<u32> = record[unit.len()..].iter().map(|s| names.add(s)).collect();
        let mut paths = Self {
            unit,
            record: below,
            targets: Vec::new(),
            slots: Vec::new(),
            names,
            attributes: false,
            read: Vec::new(),
            document: Vec::new(),
        };
        for column in columns {
            let target = paths.target(column)?;
            if let Target::Absolute(slots) = &target {
                paths.document.push((column.clone(), slots.clone()));
            }
            // From the record itself, from what is above it up to the unit, or from nothing: an absolute path is of the header.
            let from = match target {
                Target::Own(_) => record.len()..record.len() + 1,
                Target::Nearest { .. } => paths.unit.len()..record.len() + 1,
                Target::Absolute(_) => 0..0,
            };
            let steps = steps(column).into_iter().filter(|s| s != ".");
            let column_path: Vec<String> = steps.collect();
            paths.read.extend(from.map(|depth| [&record[..depth], &column_path].concat()));
            paths.targets.push(target);
            paths.attributes |= column.contains('@');
        }
        for path in &options.document {
            if !path.trim_start().starts_with('/') {
                return Err(ReadError::Options { reason: "a value of an XML document needs a path from the root" });
            }
            if let Target::Absolute(slots) = paths.target(path)? {
                paths.document.push((path.clone(), slots));
            }
        }
        paths.read.extend(paths.slots.iter().map(|s| s.path.clone()));
        paths.read.push(record);
        Ok(paths)
    }

    /// The values of the document that the source asks for, those that occur.
    pub(super) fn document(&self) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (path, slots) in &self.document {
            let text = slots.iter().map(|s| &self.slots[*s]).find(|s| s.seen).map(|s| s.text.trim());
            if let Some(text) = text.filter(|t| !t.is_empty() && t.len() <= MAX_DOCUMENT) {
                out.insert(path.clone(), text.to_owned());
            }
        }
        out
    }

    fn target(&mut self, column: &str) -> Result<Target, ReadError> {
        let path = steps(column);
        if path.is_empty() {
            return Err(ReadError::Options { reason: "an XML column has an empty path" });
        }
        if column.trim_start().starts_with('/') {
            let mut from_root = vec![self.unit[0].clone()];
            from_root.extend(path.iter().cloned());
            let mut slots = vec![self.slot(from_root)];
            if path[0] == self.unit[0] {
                slots.push(self.slot(path));
            }
            return Ok(Target::Absolute(slots));
        }
        let own = path[0] == ".";
        let below = &path[usize::from(own)..];
        let ids: Vec<u32> = below.iter().map(|s| self.names.add(s)).collect();
        if own {
            return Ok(Target::Own(ids));
        }
        let mut above = Vec::new();
        for depth in (1..self.unit.len()).rev() {
            let mut full: Vec<String> = self.unit[..depth].to_vec();
            full.extend(path.iter().cloned());
            above.push(self.slot(full));
        }
        Ok(Target::Nearest { path: ids, above })
    }

    fn slot(&mut self, path: Vec<String>) -> usize {
        if let Some(i) = self.slots.iter().position(|s| s.path == path) {
            return i;
        }
        self.slots.push(Slot { path, open: false, seen: false, text: String::new() });
        self.slots.len() - 1
    }

    /// An element outside the unit begins. A new ancestor of units makes the values below the old one void.
    pub(super) fn enter(&mut self, stack: &[String], ancestor: bool) {
        for slot in &mut self.slots {
            if ancestor && slot.path.len() > stack.len() && slot.path.starts_with(stack) {
                slot.seen = false;
                slot.text.clear();
            }
            slot.open = slot.path == stack;
            if slot.open {
                slot.seen = true;
                if !slot.text.is_empty() {
                    slot.text.push(' ');
                }
            }
        }
    }

    /// Text in the innermost open element outside the unit. False if a value becomes too long to keep.
    pub(super) fn push_text(&mut self, stack: &[String], text: &str) -> bool {
        for slot in self.slots.iter_mut().filter(|s| s.open && s.path.len() == stack.len()) {
            if slot.text.len() + text.len() > MAX_SLOT {
                return false;
            }
            slot.text.push_str(text);
        }
        true
    }
}
