//! Records into CLKs.

use crate::cache::{Blake, Double};
use crate::compare::Tokens;
use crate::error::ClkError;
use crate::feature::{HashKind, Used};
use crate::keys;
use crate::schema::ClkSchema;

/// Encodes records under a schema and a secret. A clone has memory of its own: one for each thread.
///
/// ```
/// use svp_clk::{ClkEncoder, ClkSchema, to_base64};
/// let schema = ClkSchema::parse(
///     r#"{"version": 3,
///         "clkConfig": {"l": 256, "kdf": {"type": "HKDF", "hash": "SHA256", "salt": "c2FsdA==", "info": "aW5mbw==", "keySize": 64}},
///         "features": [
///             {"identifier": "name", "format": {"type": "string"},
///              "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 5}}},
///             {"identifier": "born", "format": {"type": "date", "format": "%Y-%m-%d"},
///              "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerToken": 4}}}]}"#,
/// )?;
/// let mut encoder = ClkEncoder::new(&schema, b"a shared secret")?;
/// let record = ["Joan Smith", "1994-05-17"];
/// encoder.check(&record)?;
/// // What clkhash 0.18.3 makes of this schema, secret and record.
/// assert_eq!(to_base64(&encoder.encode(&record)?), "CQEAA1CkJUwAyQACHwIE5gQUCREibqABTODII9IAkCg=");
/// // A value that the schema does not admit is told by its feature, never by itself.
/// let said = encoder.check(&["Joan Smith", "1994-02-30"]).unwrap_err().to_string();
/// assert_eq!(said, "feature born: it is not a date of the format");
/// // All records of a file into one run of bytes, without a vector for each.
/// let (records, width) = ([record, ["Ravi Patel", "2001-11-02"]], encoder.bytes());
/// let mut clks = vec![0; width * records.len()];
/// for (record, clk) in records.iter().zip(clks.chunks_exact_mut(width)) {
///     encoder.encode_into(record, clk)?;
/// }
/// assert_eq!(to_base64(&clks[width..]), "gSACOAoVkcQIO0AkA4I2BCcgRAQxNaAEKJAYRgDgAkQ=");
/// # Ok::<(), svp_clk::ClkError>(())
/// ```
#[derive(Clone)]
pub struct ClkEncoder {
    schema: ClkSchema,
    hashers: Vec<Option<Hasher>>,
    tokens: Tokens,
    /// The filter before folding, the first bit the highest of the first word.
    filter: Vec<u64>,
}

/// The hash of a feature under its keys.
#[derive(Clone)]
enum Hasher {
    Blake(Box<Blake>),
    Double(Box<Double>),
}

impl std::fmt::Debug for ClkEncoder {
    /// Names the schema's fingerprint and nothing that hangs on the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClkEncoder").field("schema", &self.schema.fingerprint()).finish_non_exhaustive()
    }
}

impl ClkEncoder {
    /// Derives the keys of every feature from the secret, of any length.
    ///
    /// # Errors
    ///
    /// [`ClkError::Keys`] when HKDF cannot give so many bytes, or a key is too long for BLAKE2b (64 bytes).
    pub fn new(schema: &ClkSchema, secret: &[u8]) -> Result<Self, ClkError> {
        let schema = schema.clone();
        let size = schema.kdf.key_size;
        let derived = keys::derive(&schema.kdf, secret, schema.features.len())?;
        let l = schema.l << schema.folds;
        let hasher = |(used, keys): (Option<&Used>, &[u8])| {
            let Some(used) = used else { return Some(None) };
            let (first, second) = keys.split_at(size);
            Some(Some(match used.hash {
                HashKind::Blake => Hasher::Blake(Box::new(Blake::new(first, used.strategy.most(), l)?)),
                HashKind::Double { prevent_singularity } => {
                    Hasher::Double(Box::new(Double::new(first, second, prevent_singularity, l)?))
                }
            }))
        };
        let used = schema.features.iter().map(|feature| feature.used.as_ref());
        let hashers = used.zip(derived.chunks_exact(2 * size)).map(hasher).collect::<Option<Vec<_>>>();
        let hashers = hashers.ok_or(ClkError::Keys("blakeHash takes keys of 1 to 64 bytes"))?;
        Ok(Self { hashers, tokens: Tokens::default(), filter: vec![0; l.div_ceil(64)], schema })
    }

    /// Bytes of a CLK.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.schema.l.div_ceil(8)
    }

    /// See [`ClkSchema::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.schema.fingerprint()
    }

    /// The CLK of a record, one value for each feature: its bits from the highest of the first byte on, as
    /// `clkhash.serialization` has them before base64.
    ///
    /// As `clkhash.bloomfilter.crypto_bloom_filter`, this rewrites values and does not validate them: see
    /// [`ClkEncoder::check`].
    ///
    /// # Errors
    ///
    /// [`ClkError::Length`] when the record has another number of values; [`ClkError::Value`] when a whole number or a
    /// date is none, or text cannot be encoded. clkhash fails there too.
    pub fn encode<T: AsRef<str>>(&mut self, record: &[T]) -> Result<Vec<u8>, ClkError> {
        let mut out = vec![0; self.bytes()];
        self.encode_into(record, &mut out)?;
        Ok(out)
    }

    /// As [`ClkEncoder::encode`], into the first [`ClkEncoder::bytes`] bytes of `out`, or as many as there are.
    ///
    /// # Errors
    ///
    /// As [`ClkEncoder::encode`].
    pub fn encode_into<T: AsRef<str>>(&mut self, record: &[T], out: &mut [u8]) -> Result<(), ClkError> {
        self.same_length(record.len())?;
        self.filter.fill(0);
        let features = self.schema.features.iter().zip(&mut self.hashers).zip(record);
        for ((feature, hasher), value) in features {
            let (Some(used), Some(hasher)) = (&feature.used, hasher) else { continue };
            let cut =
                used.normal(value.as_ref()).and_then(|value| self.tokens.cut(&value, &used.comparison, used.encoding));
            cut.map_err(|what| ClkError::Value { feature: feature.identifier.clone(), what })?;
            let count = self.tokens.len();
            for (place, token) in self.tokens.iter().enumerate() {
                let k = used.strategy.bits(place, count);
                match hasher {
                    Hasher::Blake(hash) => hash.insert(token, k, &mut self.filter),
                    Hasher::Double(hash) => hash.insert(token, k, &mut self.filter),
                }
            }
        }
        self.fold(out);
        Ok(())
    }

    /// Whether every value is what its format says, as `clkhash.validate_data` asks; patterns are not checked.
    ///
    /// # Errors
    ///
    /// [`ClkError::Length`] and [`ClkError::Value`] of the first value that is not.
    pub fn check<T: AsRef<str>>(&self, record: &[T]) -> Result<(), ClkError> {
        self.same_length(record.len())?;
        for (feature, value) in self.schema.features.iter().zip(record) {
            if let Some(used) = &feature.used {
                let wrong = |what| ClkError::Value { feature: feature.identifier.clone(), what };
                used.check(value.as_ref()).map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn same_length(&self, found: usize) -> Result<(), ClkError> {
        let wanted = self.schema.features.len();
        if found == wanted { Ok(()) } else { Err(ClkError::Length { wanted, found }) }
    }

    /// Lays the parts of `l` bits over each other by exclusive or.
    fn fold(&mut self, out: &mut [u8]) {
        let l = self.schema.l;
        if l.is_multiple_of(64) {
            let (first, rest) = self.filter.split_at_mut(l / 64);
            for part in rest.chunks_exact(l / 64) {
                first.iter_mut().zip(part).for_each(|(word, with)| *word ^= with);
            }
        } else {
            let bit = |filter: &[u64], place: usize| filter[place / 64] >> (63 - place % 64) & 1;
            for place in l..l << self.schema.folds {
                let with = bit(&self.filter, place);
                let to = place % l;
                self.filter[to / 64] ^= with << (63 - to % 64);
                // The last word of the CLK may hold the beginning of what was folded.
                if place / 64 == (l - 1) / 64 {
                    self.filter[place / 64] &= !(1 << (63 - place % 64));
                }
            }
        }
        for (bytes, word) in out.chunks_mut(8).zip(&self.filter) {
            bytes.copy_from_slice(&word.to_be_bytes()[..bytes.len()]);
        }
    }
}
