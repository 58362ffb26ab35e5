//! XML returns, such as the Children in Need census: one unit (a child) is held as a small tree, and a row is
//! made from every record element in it. No document type, no entities beyond the five of XML.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error as XmlError, Reader};

use super::account::FileAccount;
use super::columns::Columns;
use super::decode::{self, Fault, Mark, Padding, Plain};
use super::error::{ReadError, RowRule};
use super::xml_account::{Counted, SeenPaths};
use super::xml_paths::{MAX_SLOT, Paths, Target};
use super::xml_tree::{Tree, join};
use super::{BadRow, Expected, MAX_DEPTH, MAX_RECORD, ReadNote, RowBatch, RowReader, XmlOptions};

/// Units that are looked at to list the columns that a file offers.
const HEADER_UNITS: usize = 1000;

/// What a step of the walk ended.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Something outside a unit, or inside an open one.
    Nothing,
    /// A unit is complete in the tree.
    Unit,
    /// The document has ended.
    End,
}

/// Limits how much one markup event may take from the stream.
struct Meter<R> {
    input: R,
    left: usize,
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.input.read(out)
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(Fault::TooLarge(MAX_RECORD)));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.left = self.left.saturating_sub(n);
        self.input.consume(n);
    }
}

/// Walks through the document and fills the tree.
struct Walk {
    file: String,
    reader: Reader<Meter<BufReader<Counted>>>,
    event: Vec<u8>,
    paths: Paths,
    tree: Tree,
    in_unit: bool,
    /// Names of the open elements.
    stack: Vec<String>,
    /// How many leading elements of the stack lie on the way to the unit.
    on_path: usize,
    /// The longest part of the way that was ever found.
    deepest: usize,
    row: u64,
    seen: SeenPaths,
    account: FileAccount,
    /// Where the open unit began.
    unit_from: u64,
    /// Where the root element ended.
    root_end: Option<u64>,
}

pub(super) struct XmlReader {
    walk: Walk,
    /// Name of the record element.
    record: String,
    columns: Columns,
    batch_rows: usize,
    notes: Vec<ReadNote>,
    padding: Padding,
    value: String,
    /// The root element itself was the unit and is already in the tree.
    pending: bool,
    finished: bool,
}

impl Walk {
    /// Opens the document; the notes say how its bytes are read.
    fn new(
        options: &XmlOptions,
        columns: &[String],
        file: &str,
        plain: Plain,
    ) -> Result<(Self, Vec<ReadNote>), ReadError> {
        let paths = Paths::new(options, columns)?;
        let mut notes = plain.notes();
        let marked = plain.mark == Mark::Utf8;
        let (mut input, note) = decode::xml_as_utf8(file, plain)?;
        notes.extend(note);
        let mut account = FileAccount { last_line_ended: true, ..FileAccount::default() };
        if marked {
            let mut mark = [0; 3];
            input.read_exact(&mut mark).map_err(|e| ReadError::from_fault(Fault::of(e), file, 0))?;
            account.bytes.header = 3;
            account.bytes.total = 3;
        }
        let meter = Meter { input: BufReader::with_capacity(64 * 1024, Counted::new(input)), left: MAX_RECORD };
        let walk = Self {
            file: file.to_owned(),
            reader: Reader::from_reader(meter),
            event: Vec::new(),
            paths,
            tree: Tree::default(),
            in_unit: false,
            stack: Vec::new(),
            on_path: 0,
            deepest: 0,
            row: 0,
            seen: SeenPaths::default(),
            account,
            unit_from: 0,
            root_end: None,
        };
        Ok((walk, notes))
    }

    fn malformed(&self, reason: &'static str) -> ReadError {
        let position = self.reader.buffer_position();
        ReadError::Malformed { file: self.file.clone(), row: self.row, position, reason }
    }

    fn broken(&self, error: XmlError) -> ReadError {
        match error {
            XmlError::Io(shared) => {
                let kind = shared.kind();
                let error = std::sync::Arc::try_unwrap(shared).unwrap_or_else(|_| io::Error::from(kind));
                match ReadError::from_fault(Fault::of(error), &self.file, self.row) {
                    // The bytes in question are those after the last row that was read whole.
                    ReadError::WrongEncoding { file, row, declared, found } => {
                        ReadError::XmlEncoding { file, row: row + 1, declared, found }
                    }
                    other => other,
                }
            }
            XmlError::Syntax(_) => self.malformed("the XML is cut off or has a markup error"),
            XmlError::IllFormed(_) => self.malformed("the XML has a start tag without its end tag"),
            XmlError::InvalidAttr(_) => self.malformed("the XML has a damaged attribute"),
            XmlError::Encoding(_) => self.malformed("the XML has markup that is not in its encoding"),
            XmlError::Escape(_) => self.malformed("the XML has an entity that is not one of the five of XML"),
            XmlError::Namespace(_) => self.malformed("the XML has a damaged namespace"),
        }
    }

    /// Reads one event. After [`Step::Unit`] the tree holds that unit until the next call.
    fn step(&mut self) -> Result<Step, ReadError> {
        self.reader.get_mut().left = MAX_RECORD;
        let mut event = std::mem::take(&mut self.event);
        event.clear();
        let (before, outside) = (self.reader.buffer_position(), !self.in_unit);
        let step = match self.reader.read_event_into(&mut event) {
            Ok(found) => self.handle(found),
            Err(error) => Err(self.broken(error)),
        };
        self.event = event;
        let position = self.reader.buffer_position();
        if let Some(at) = self.reader.get_ref().input.get_ref().first_nul
            && (at < position || step.is_err())
        {
            return Err(self.zeroed(at));
        }
        if outside && (self.in_unit || step.as_ref().is_ok_and(|s| *s == Step::Unit)) {
            self.unit_from = before;
            if self.account.bytes.records == 0 {
                self.account.bytes.header += before;
            }
        }
        if step.as_ref().is_ok_and(|s| *s == Step::Unit) {
            self.account.bytes.records += position - self.unit_from;
        }
        if self.stack.is_empty() && !self.seen.is_empty() && self.root_end.is_none() {
            self.root_end = Some(position);
        }
        step
    }

    /// The error for a document with zero bytes, which XML does not know.
    fn zeroed(&mut self, position: u64) -> ReadError {
        let mark = self.account.bytes.total;
        // What follows decides what to say; a file that cannot be read on is refused all the same.
        let rest = io::copy(&mut self.reader.get_mut().input, &mut io::sink());
        let counted = self.reader.get_ref().input.get_ref();
        ReadError::NulBytes {
            file: self.file.clone(),
            row: self.row,
            position: position + mark,
            zeros: counted.nul_bytes,
            to_end: rest.is_ok() && !counted.after_nul,
        }
    }

    /// Completes the account when the document has ended.
    fn close(&mut self, record: &str) -> Vec<ReadNote> {
        let counted = self.reader.get_ref().input.get_ref();
        let position = self.reader.buffer_position();
        let mark = self.account.bytes.total;
        let bytes = &mut self.account.bytes;
        if bytes.records == 0 {
            bytes.header = position + mark;
        }
        bytes.blank = position + mark - bytes.header - bytes.records;
        bytes.total = counted.bytes + mark;
        self.account.records = self.row;
        self.account.bytes_after_last = position - self.root_end.unwrap_or(position);
        self.account.document = self.paths.document();
        let (xml, notes) = self.seen.account(&self.paths.read, record);
        self.account.xml = Some(xml);
        notes
    }

    /// Nothing but comments and blanks may follow the root element.
    fn after(&self, what: &'static str) -> ReadError {
        let (position, row) = (self.reader.buffer_position(), self.row);
        ReadError::AfterDocument { file: self.file.clone(), row, position, what }
    }

    fn handle(&mut self, event: Event<'_>) -> Result<Step, ReadError> {
        match event {
            Event::Start(tag) => self.start(&tag).map(|()| Step::Nothing),
            Event::Empty(tag) => {
                self.start(&tag)?;
                Ok(self.end())
            }
            Event::End(_) => Ok(self.end()),
            Event::Text(text) => {
                match text.xml_content() {
                    Ok(text) => self.text(&text)?,
                    Err(_) => self.undecodable()?,
                }
                Ok(Step::Nothing)
            }
            Event::CData(text) => {
                match text.xml_content() {
                    Ok(text) => self.text(&text)?,
                    Err(_) => self.undecodable()?,
                }
                Ok(Step::Nothing)
            }
            Event::GeneralRef(entity) => self.entity(&entity).map(|()| Step::Nothing),
            Event::DocType(_) => Err(self.malformed("the XML has a document type declaration, which is refused")),
            Event::Eof if self.stack.is_empty() => Ok(Step::End),
            Event::Eof => Err(self.malformed("the XML ends inside an element; it was cut off")),
            Event::Decl(_) if self.root_end.is_some() => Err(self.after("a second XML declaration")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(Step::Nothing),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.malformed("the XML is nested too deeply"));
        }
        let local = tag.local_name();
        let Ok(name) = std::str::from_utf8(local.as_ref()) else {
            return Err(self.malformed("the XML has markup that is not in its encoding"));
        };
        if self.root_end.is_some() {
            return Err(self.after("a second root element"));
        }
        let unit = &self.paths.unit;
        if self.stack.is_empty() && unit[0] != name {
            let (file, wanted) = (self.file.clone(), unit[0].clone());
            return Err(ReadError::NoRecords { file, wanted, found: String::new() });
        }
        if self.on_path == self.stack.len() && unit.get(self.on_path).is_some_and(|u| u == name) {
            self.on_path += 1;
            self.deepest = self.deepest.max(self.on_path);
            if !self.in_unit && self.on_path == unit.len() {
                self.tree.clear();
                self.in_unit = true;
            }
        }
        self.stack.push(name.to_owned());
        self.seen.start(name);
        if tag.len() > tag.name().as_ref().len() {
            self.count_attributes(tag)?;
        }
        if self.in_unit {
            self.tree.start(&self.paths.names, name);
            if self.paths.attributes {
                self.attributes(tag)?;
            }
            return self.check_size();
        }
        let ancestor = self.on_path == self.stack.len();
        self.paths.enter(&self.stack, ancestor);
        Ok(())
    }

    fn count_attributes(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| self.broken(e.into()))?;
            let key = attribute.key;
            if key.as_namespace_binding().is_none()
                && let Ok(name) = std::str::from_utf8(key.local_name().as_ref())
            {
                self.seen.attribute(&format!("@{name}"));
            }
        }
        Ok(())
    }

    fn attributes(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| self.broken(e.into()))?;
            let value = attribute.unescape_value().map_err(|e| self.broken(e))?;
            if let Ok(name) = std::str::from_utf8(attribute.key.local_name().as_ref()) {
                self.tree.start(&self.paths.names, &format!("@{name}"));
                self.tree.push_text(&value);
                self.tree.end();
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Step {
        let depth = self.stack.len();
        self.on_path = self.on_path.min(depth.saturating_sub(1));
        self.stack.pop();
        self.seen.end();
        if self.in_unit && self.tree.end() {
            self.in_unit = false;
            return Step::Unit;
        }
        Step::Nothing
    }

    fn text(&mut self, text: &str) -> Result<(), ReadError> {
        if self.in_unit {
            self.tree.push_text(text);
            return self.check_size();
        }
        if self.stack.is_empty() && !text.trim_start_matches('\u{feff}').trim().is_empty() {
            if self.root_end.is_some() {
                return Err(self.after("text"));
            }
            return Err(self.malformed("the file has text outside the XML document"));
        }
        if !self.paths.push_text(&self.stack, text) {
            return Err(ReadError::RecordTooLarge { file: self.file.clone(), row: self.row, limit: MAX_SLOT });
        }
        Ok(())
    }

    fn undecodable(&mut self) -> Result<(), ReadError> {
        if !self.in_unit {
            return Err(self.malformed("the XML has text that is not in its encoding"));
        }
        self.tree.undecodable = true;
        Ok(())
    }

    fn entity(&mut self, entity: &BytesRef<'_>) -> Result<(), ReadError> {
        if let Some(c) = entity.resolve_char_ref().map_err(|e| self.broken(e))? {
            let mut bytes = [0; 4];
            return self.text(c.encode_utf8(&mut bytes));
        }
        let known = entity.decode().ok().and_then(|name| resolve_xml_entity(&name));
        match known {
            Some(text) => self.text(text),
            None => Err(self.malformed("the XML has an entity that is not one of the five of XML")),
        }
    }

    fn check_size(&self) -> Result<(), ReadError> {
        if self.tree.size() > MAX_RECORD {
            return Err(ReadError::RecordTooLarge { file: self.file.clone(), row: self.row, limit: MAX_RECORD });
        }
        Ok(())
    }

    /// The error for a document in which the unit never occurred.
    fn no_unit(&self) -> Option<ReadError> {
        if self.deepest >= self.paths.unit.len() {
            return None;
        }
        let found = self.paths.unit[..self.deepest].join("/");
        Some(ReadError::NoRecords { file: self.file.clone(), wanted: self.paths.unit.join("/"), found })
    }
}

impl XmlReader {
    pub(super) fn open(
        options: &XmlOptions,
        expected: &Expected,
        file: &str,
        plain: Plain,
        batch_rows: usize,
    ) -> Result<Self, ReadError> {
        let (names, padding) = (expected.output_columns(), plain.padding.clone());
        let (mut walk, notes) = Walk::new(options, &names, file, plain)?;
        let mut pending = false;
        // As far as the root element, so that a foreign document is refused at once.
        while walk.stack.is_empty() {
            match walk.step()? {
                Step::End => return Err(walk.malformed("the file has no XML element")),
                Step::Unit => {
                    pending = true;
                    break;
                }
                Step::Nothing if walk.deepest > 0 => break,
                Step::Nothing => {}
            }
        }
        let columns = Columns::new(&names);
        let value = String::new();
        let record = super::xml_paths::steps(&options.record).pop().unwrap_or_default();
        let batch_rows = batch_rows.max(1);
        Ok(Self { walk, record, columns, batch_rows, notes, padding, value, pending, finished: false })
    }

    /// Makes rows from the unit in the tree.
    fn emit(&mut self, bad: &mut Vec<BadRow>) {
        let Walk { tree, paths, row, .. } = &mut self.walk;
        for record in tree.records(&paths.record) {
            *row += 1;
            if tree.undecodable {
                bad.push(BadRow { row: *row, rule: RowRule::Encoding });
                continue;
            }
            for (i, target) in paths.targets.iter().enumerate() {
                let value = &mut self.value;
                value.clear();
                match target {
                    Target::Own(path) => {
                        tree.collect(record, path, value);
                    }
                    Target::Nearest { path, above } => {
                        if !tree.nearest(record, path, value)
                            && let Some(slot) = above.iter().find(|s| paths.slots[**s].seen)
                        {
                            join(value, &paths.slots[*slot].text);
                        }
                    }
                    Target::Absolute(slots) => {
                        if let Some(slot) = slots.iter().find(|s| paths.slots[**s].seen) {
                            join(value, &paths.slots[*slot].text);
                        }
                    }
                }
                self.columns.push(i, value);
            }
            self.columns.end_row(*row);
        }
    }
}

impl RowReader for XmlReader {
    fn next_batch(&mut self) -> Result<Option<RowBatch>, ReadError> {
        let first_row = self.walk.row + 1;
        let mut bad = Vec::new();
        if std::mem::take(&mut self.pending) {
            self.emit(&mut bad);
        }
        while !self.finished && self.columns.rows() + bad.len() < self.batch_rows && !self.columns.is_full() {
            match self.walk.step()? {
                Step::Nothing => {}
                Step::Unit => self.emit(&mut bad),
                Step::End => {
                    self.finished = true;
                    if let Some(error) = self.walk.no_unit() {
                        return Err(error);
                    }
                    if self.walk.row == 0 {
                        self.notes.push(ReadNote::NoRecordElement);
                    }
                    self.notes.extend(self.walk.close(&self.record));
                    self.notes.extend(self.padding.note());
                }
            }
        }
        if self.columns.rows() + bad.len() == 0 {
            return Ok(None);
        }
        self.columns.finish(&self.walk.file, first_row, bad).map(Some)
    }

    fn notes(&self) -> &[ReadNote] {
        &self.notes
    }

    fn rows_read(&self) -> u64 {
        self.walk.row
    }

    fn account(&self) -> &FileAccount {
        &self.walk.account
    }
}

/// The leaf paths in the first records, relative to the record.
pub(super) fn header(options: &XmlOptions, file: &str, plain: Plain) -> Result<Vec<String>, ReadError> {
    let record: Vec<String> = super::xml_paths::steps(&options.record);
    let (mut walk, _) = Walk::new(options, &[], file, plain)?;
    let mut out: Vec<String> = Vec::new();
    let (mut units, mut deepest) = (0, 0);
    while units < HEADER_UNITS {
        let before = walk.stack.clone();
        match walk.step()? {
            Step::End => break,
            Step::Unit => units += 1,
            Step::Nothing => {}
        }
        if walk.stack.len() > before.len() {
            deepest = walk.stack.len();
        } else if walk.stack.len() < before.len() && before.len() == deepest && before.starts_with(&record) {
            // A leaf has ended: nothing was opened inside it.
            let path = before[record.len()..].join("/");
            let path = if path.is_empty() { ".".to_owned() } else { path };
            if !out.contains(&path) {
                out.push(path);
            }
            deepest = 0;
        }
    }
    walk.no_unit().map_or(Ok(out), Err)
}
