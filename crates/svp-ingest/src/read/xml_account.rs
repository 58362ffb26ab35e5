//! The account of an XML file: every element path that occurs, how often, and whether the feed reads it.

use std::collections::BTreeMap;
use std::io::{self, Read};

use memchr::memchr_iter;

use super::ReadNote;
use super::account::{MAX_PATHS, PathCount, XmlAccount};
use super::decode::Input;

const NONE: u32 = u32::MAX;

/// One path: a name below another path.
#[derive(Debug)]
struct Node {
    name: String,
    parent: u32,
    children: Vec<u32>,
    count: u64,
}

/// The paths seen so far, in the order of the file, at most [`MAX_PATHS`].
#[derive(Debug, Default)]
pub(super) struct SeenPaths {
    nodes: Vec<Node>,
    open: Vec<u32>,
    unlisted: u64,
}

impl SeenPaths {
    /// Whether no element has begun yet.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// An element begins.
    pub(super) fn start(&mut self, name: &str) {
        let parent = self.open.last().copied().unwrap_or(NONE);
        let node = self.count(parent, self.open.is_empty(), name);
        self.open.push(node);
    }

    /// An attribute of the element that began last, by its name with `@` before it.
    pub(super) fn attribute(&mut self, name: &str) {
        if let Some(parent) = self.open.last().copied() {
            self.count(parent, false, name);
        }
    }

    /// The innermost element ends.
    pub(super) fn end(&mut self) {
        self.open.pop();
    }

    /// Counts a name below a path; gives its path, or none if there are too many.
    fn count(&mut self, parent: u32, root: bool, name: &str) -> u32 {
        let known = match self.nodes.get(parent as usize) {
            Some(above) => above.children.iter().copied().find(|c| self.nodes[*c as usize].name == name),
            None => (0..self.nodes.len().min(1) as u32).find(|c| root && self.nodes[*c as usize].name == name),
        };
        if let Some(node) = known {
            self.nodes[node as usize].count += 1;
            return node;
        }
        if self.nodes.len() >= MAX_PATHS || (parent == NONE && !root) {
            self.unlisted += 1;
            return NONE;
        }
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { name: name.to_owned(), parent, children: Vec::new(), count: 1 });
        if let Some(above) = self.nodes.get_mut(parent as usize) {
            above.children.push(node);
        }
        node
    }

    fn path<'a>(&'a self, node: &'a Node) -> Vec<&'a str> {
        let mut path = vec![node.name.as_str()];
        let mut at = node.parent;
        while let Some(above) = self.nodes.get(at as usize) {
            path.push(&above.name);
            at = above.parent;
        }
        path.reverse();
        path
    }

    /// The account: a path is read if it is one of `read` or leads to one. The notes name elements that are called as
    /// the record is and stand elsewhere.
    pub(super) fn account(&self, read: &[Vec<String>], record: &str) -> (XmlAccount, Vec<ReadNote>) {
        let mut notes = Vec::new();
        let mut paths = BTreeMap::new();
        for node in &self.nodes {
            let path = self.path(node);
            let leads =
                |target: &Vec<String>| target.len() >= path.len() && target.iter().zip(&path).all(|(a, b)| a == b);
            let read = read.iter().any(leads);
            let path = path.join("/");
            if !read && node.name == record {
                notes.push(ReadNote::RecordElsewhere { path: path.clone(), count: node.count });
            }
            paths.insert(path, PathCount { count: node.count, read });
        }
        let root = self.nodes.first().map(|n| n.name.clone()).unwrap_or_default();
        (XmlAccount { root, paths, unlisted: self.unlisted }, notes)
    }
}

/// Counts the bytes of a stream, and those that are zero.
pub(super) struct Counted {
    input: Input,
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes that are zero.
    pub nul_bytes: u64,
    /// Where the first of them is.
    pub first_nul: Option<u64>,
    /// Whether some other byte but a line end came after it.
    pub after_nul: bool,
}

impl Counted {
    pub(super) fn new(input: Input) -> Self {
        Self { input, bytes: 0, nul_bytes: 0, first_nul: None, after_nul: false }
    }
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(out)?;
        let new = &out[..n];
        let mut zeros = memchr_iter(0, new);
        let first = zeros.next();
        if let Some(first) = first {
            self.nul_bytes += 1 + zeros.count() as u64;
            self.first_nul.get_or_insert(self.bytes + first as u64);
        }
        if let Some(at) = self.first_nul {
            let from = usize::try_from(at.saturating_sub(self.bytes)).unwrap_or(n).min(n);
            self.after_nul |= new[from..].iter().any(|b| !matches!(b, 0 | b'\n' | b'\r'));
        }
        self.bytes += n as u64;
        Ok(n)
    }
}
