//! One repeating element of an XML file as a small tree, and the lookup of columns in it. Three growing
//! vectors, used again for every unit: nothing is allocated per element.

use std::collections::HashMap;

/// The name of an element that no column asks for.
const OTHER: u32 = 0;
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    name: u32,
    parent: u32,
    first: u32,
    last: u32,
    next: u32,
    text: (usize, usize),
    leaf: bool,
}

/// The names that occur in paths; all others are one.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, u32>);

impl Names {
    /// The number of a name, given out when it is new.
    pub(super) fn add(&mut self, name: &str) -> u32 {
        let next = self.0.len() as u32 + 1;
        *self.0.entry(name.to_owned()).or_insert(next)
    }

    fn get(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or(OTHER)
    }
}

/// A tree that is being built or looked through.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    text: String,
    open: Vec<u32>,
    /// Whether some text in the tree could not be decoded.
    pub undecodable: bool,
}

impl Tree {
    /// Forgets the last unit and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.text.clear();
        self.open.clear();
        self.undecodable = false;
    }

    /// About how many bytes the tree takes.
    pub(super) fn size(&self) -> usize {
        self.text.len() + self.nodes.len() * size_of::<Node>()
    }

    /// An element (or an attribute, as `@name`) begins.
    pub(super) fn start(&mut self, names: &Names, name: &str) {
        let id = self.nodes.len() as u32;
        let parent = self.open.last().copied().unwrap_or(NONE);
        let at = self.text.len();
        self.nodes.push(Node {
            name: names.get(name),
            parent,
            first: NONE,
            last: NONE,
            next: NONE,
            text: (at, at),
            leaf: true,
        });
        if let Some(last) = self.nodes.get(parent as usize).map(|p| p.last) {
            match self.nodes.get_mut(last as usize) {
                Some(sibling) => sibling.next = id,
                None => self.nodes[parent as usize].first = id,
            }
            let parent = &mut self.nodes[parent as usize];
            parent.last = id;
            parent.leaf &= name.starts_with('@');
        }
        self.open.push(id);
    }

    /// Text inside the element that is open. Only the text of leaves is ever looked at.
    pub(super) fn push_text(&mut self, text: &str) {
        if let Some(node) = self.open.last().and_then(|id| self.nodes.get_mut(*id as usize)) {
            if node.text.0 == node.text.1 {
                node.text.0 = self.text.len();
            }
            self.text.push_str(text);
            node.text.1 = self.text.len();
        }
    }

    /// The open element ends. True if it was the root of the tree.
    pub(super) fn end(&mut self) -> bool {
        self.open.pop();
        self.open.is_empty()
    }

    fn children(&self, id: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.nodes.get(id as usize).map_or(NONE, |n| n.first);
        std::iter::successors(Some(first), |id| self.nodes.get(*id as usize).map(|n| n.next))
            .take_while(|id| *id != NONE)
    }

    /// All elements at `path` below the root, in the order of the file. The empty path is the root itself.
    pub(super) fn records(&self, path: &[u32]) -> Vec<u32> {
        let mut level: Vec<u32> = if self.nodes.is_empty() { Vec::new() } else { vec![0] };
        for step in path {
            let next = level.iter().flat_map(|id| self.children(*id)).filter(|c| self.nodes[*c as usize].name == *step);
            level = next.collect();
        }
        level
    }

    /// Appends the leaf texts at `path` below `id`, joined by spaces. False if there is no such element.
    pub(super) fn collect(&self, id: u32, path: &[u32], out: &mut String) -> bool {
        let Some((step, rest)) = path.split_first() else {
            let node = &self.nodes[id as usize];
            if node.leaf {
                join(out, self.text.get(node.text.0..node.text.1).unwrap_or_default());
            }
            return true;
        };
        let mut found = false;
        for child in self.children(id) {
            if self.nodes[child as usize].name == *step {
                found |= self.collect(child, rest, out);
            }
        }
        found
    }

    /// Like [`Tree::collect`], in the element itself or else in the nearest ancestor within the tree.
    pub(super) fn nearest(&self, id: u32, path: &[u32], out: &mut String) -> bool {
        let mut at = id;
        while at != NONE {
            if self.collect(at, path, out) {
                return true;
            }
            at = self.nodes[at as usize].parent;
        }
        false
    }
}

/// Appends a trimmed text after a space.
pub(super) fn join(out: &mut String, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(text);
    }
}
