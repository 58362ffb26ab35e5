//! The linkage schema: versions 1, 2 and 3 of clkhash's JSON, read as `clkhash.schema` reads and converts them.

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::base64::from_base64;
use crate::dates::DateFormat;
use crate::error::ClkError;
use crate::feature::{Comparison, Encoding, Feature, Format, HashKind, Numeric, Strategy, Used};

/// Longest filter before folding, in bits.
const MOST_BITS: usize = 1 << 24;
/// Largest number of insertions of a token or feature, of tokens of a number, of characters of an n-gram.
const MOST: u64 = 65_536;

/// A linkage schema that has been read: which features a record has and how each goes into the filter.
///
/// ```
/// use svp_clk::ClkSchema;
/// let text = r#"{"version": 3, "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}}, "features": [
///     {"identifier": "row", "ignored": true},
///     {"identifier": "surname", "format": {"type": "string"},
///      "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 100}}}]}"#;
/// let schema = ClkSchema::parse(text)?;
/// assert_eq!(schema.identifiers().collect::<Vec<_>>(), ["row", "surname"]);
/// assert_eq!(schema.bits(), 1024);
/// // A default that is written out is the same schema, another number of bits is not.
/// let written = ClkSchema::parse(&text.replace(r#""HKDF""#, r#""HKDF", "hash": "SHA256""#))?;
/// assert_eq!(schema.fingerprint(), written.fingerprint());
/// assert_ne!(schema.fingerprint(), ClkSchema::parse(&text.replace("1024", "512"))?.fingerprint());
/// # Ok::<(), svp_clk::ClkError>(())
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct ClkSchema {
    /// Bits of a CLK, after folding.
    pub(crate) l: usize,
    pub(crate) folds: u32,
    pub(crate) kdf: Kdf,
    pub(crate) features: Vec<Feature>,
    #[serde(skip)]
    fingerprint: String,
}

/// How keys are derived.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Kdf {
    pub(crate) hash: KdfHash,
    pub(crate) salt: Vec<u8>,
    pub(crate) info: Vec<u8>,
    pub(crate) key_size: usize,
}

/// The digest of the derivation.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum KdfHash {
    Sha256,
    Sha512,
}

impl ClkSchema {
    /// Reads a schema of version 1, 2 or 3.
    ///
    /// As in clkhash 0.18.3 the folds are `clkConfig.xor_folds` and the decimal places of a numeric comparison
    /// `fractional_precision`; its documentation names `xorFolds`, which its code does not read, and neither does this.
    ///
    /// # Errors
    ///
    /// [`ClkError::Json`] when the text is not JSON, [`ClkError::Schema`] when it is not a schema or asks for what is not
    /// offered here (see the module).
    pub fn parse(json: &str) -> Result<Self, ClkError> {
        let value: Value = serde_json::from_str(json).map_err(ClkError::Json)?;
        let top = At { at: "schema".to_owned(), map: object(&value, "schema")? };
        let version = top.map.get("version").and_then(Value::as_f64);
        let version = [1u8, 2, 3].into_iter().find(|&known| version == Some(f64::from(known)));
        let version = version.ok_or_else(|| top.refuse("version", "versions 1, 2 and 3 are known"))?;
        let config = top.object("clkConfig")?;
        let l = config.whole("l", 1, MOST_BITS as u64)?.ok_or_else(|| config.refuse("l", MISSING))? as usize;
        let folds = config.whole("xor_folds", 0, 24)?.unwrap_or(0) as u32;
        let hashed = l << folds;
        if hashed > MOST_BITS {
            return Err(config.refuse("l", "the filter before folding is longer than 2^24 bits"));
        }
        let kdf = kdf(&config.object("kdf")?)?;
        let legacy = match version {
            1 => Version::One {
                k: config.whole("k", 1, MOST)?.ok_or_else(|| config.refuse("k", MISSING))?,
                hash: hash(&config)?.ok_or_else(|| config.refuse("hash", MISSING))?,
            },
            2 => Version::Two,
            _ => Version::Three,
        };
        let list = top.map.get("features").and_then(Value::as_array);
        let list = list.ok_or_else(|| top.refuse("features", "a list is wanted"))?;
        let mut features = Vec::with_capacity(list.len());
        for (number, value) in list.iter().enumerate() {
            let at = format!("features[{number}]");
            features.push(feature(&At { map: object(value, &at)?, at }, &legacy, hashed)?);
        }
        let mut schema = Self { l, folds, kdf, features, fingerprint: String::new() };
        // The names and the order of the fields in the structures here are part of the fingerprint.
        let canonical = serde_json::to_string(&schema).map_err(ClkError::Json)?;
        schema.fingerprint = hex::encode(Sha256::digest(format!("svp-clk-1 {canonical}")));
        Ok(schema)
    }

    /// Identifiers of the features, in the order in which a record holds their values; ignored ones too.
    pub fn identifiers(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| feature.identifier.as_str())
    }

    /// Bits of a CLK.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.l
    }

    /// SHA-256, in hex, of everything that the schema decides, never of a secret.
    ///
    /// Two schemas with one fingerprint encode alike under one secret: spelling, order of the properties, descriptions and
    /// defaults that are written out make no difference.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// What earlier versions say elsewhere.
enum Version {
    One { k: u64, hash: HashKind },
    Two,
    Three,
}

const MISSING: &str = "it is missing";

/// An object of the schema and where it stands.
pub(crate) struct At<'a> {
    at: String,
    pub(crate) map: &'a Map<String, Value>,
}

fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>, ClkError> {
    value.as_object().ok_or_else(|| ClkError::Schema { at: at.to_owned(), what: "an object is wanted" })
}

impl<'a> At<'a> {
    pub(crate) fn refuse(&self, key: &str, what: &'static str) -> ClkError {
        ClkError::Schema { at: format!("{}.{key}", self.at), what }
    }

    fn object(&self, key: &str) -> Result<At<'a>, ClkError> {
        let at = format!("{}.{key}", self.at);
        let value = self.map.get(key).ok_or_else(|| self.refuse(key, MISSING))?;
        Ok(At { map: object(value, &at)?, at })
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, ClkError> {
        let read = |value: &'a Value| value.as_str().ok_or_else(|| self.refuse(key, "text is wanted"));
        self.map.get(key).map(read).transpose()
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, ClkError> {
        let read = |value: &Value| value.as_bool().ok_or_else(|| self.refuse(key, "true or false is wanted"));
        self.map.get(key).map(read).transpose()
    }

    pub(crate) fn whole(&self, key: &str, least: u64, most: u64) -> Result<Option<u64>, ClkError> {
        let Some(value) = self.map.get(key) else { return Ok(None) };
        // JSON Schema takes 20.0 for a whole number.
        let float = || value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e15).contains(n)).map(|n| n as u64);
        let number = value.as_u64().or_else(float).ok_or_else(|| self.refuse(key, "a whole number is wanted"))?;
        if (least..=most).contains(&number) {
            Ok(Some(number))
        } else {
            Err(self.refuse(key, "the number is out of range"))
        }
    }

    /// Refuses a property that is not known.
    fn only(&self, known: &[&str]) -> Result<(), ClkError> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.refuse(key, "no such property is known")),
            None => Ok(()),
        }
    }
}

fn kdf(at: &At<'_>) -> Result<Kdf, ClkError> {
    if at.text("type")? != Some("HKDF") {
        return Err(at.refuse("type", "only HKDF is known"));
    }
    let hash = match at.text("hash")? {
        None | Some("SHA256") => KdfHash::Sha256,
        Some("SHA512") => KdfHash::Sha512,
        Some(_) => return Err(at.refuse("hash", "SHA256 and SHA512 are known")),
    };
    let bytes = |key: &str| {
        let text = at.text(key)?.unwrap_or_default();
        from_base64(text).ok_or_else(|| at.refuse(key, "base64 is wanted"))
    };
    let key_size = at.whole("keySize", 1, MOST)?.unwrap_or(64) as usize;
    Ok(Kdf { hash, salt: bytes("salt")?, info: bytes("info")?, key_size })
}

fn feature(at: &At<'_>, version: &Version, hashed: usize) -> Result<Feature, ClkError> {
    let identifier = at.text("identifier")?.ok_or_else(|| at.refuse("identifier", MISSING))?.to_owned();
    let ignored = at.flag("ignored")?.unwrap_or(false);
    let hashing = if ignored { None } else { Some(at.object("hashing")?) };
    // In version 1 a feature without weight is an ignored one.
    let weightless = |hashing: &At<'_>| {
        matches!(version, Version::One { .. }) && hashing.map.get("weight").and_then(Value::as_f64) == Some(0.0)
    };
    let Some(hashing) = hashing.filter(|hashing| !weightless(hashing)) else {
        return Ok(Feature { identifier, used: None });
    };
    let (format, encoding) = format(&at.object("format")?)?;
    let (comparison, strategy) = how(&hashing, version)?;
    let hash = match version {
        Version::One { hash, .. } => *hash,
        _ => hash(&hashing)?.unwrap_or(HashKind::Blake),
    };
    match hash {
        HashKind::Blake if !hashed.is_power_of_two() => {
            return Err(hashing.refuse("hash", "blakeHash wants a filter whose length is a power of two"));
        }
        HashKind::Double { prevent_singularity: true } if hashed == 1 => {
            return Err(hashing.refuse("hash", "a filter of one bit is always singular"));
        }
        _ => {}
    }
    let missing = match hashing.map.contains_key("missingValue") {
        true => {
            let at = hashing.object("missingValue")?;
            let sentinel = at.text("sentinel")?.ok_or_else(|| at.refuse("sentinel", MISSING))?;
            Some((sentinel.to_owned(), at.text("replaceWith")?.unwrap_or(sentinel).to_owned()))
        }
        false => None,
    };
    Ok(Feature { identifier, used: Some(Used { format, encoding, comparison, strategy, hash, missing }) })
}

fn hash(at: &At<'_>) -> Result<Option<HashKind>, ClkError> {
    if !at.map.contains_key("hash") {
        return Ok(None);
    }
    let at = at.object("hash")?;
    let prevent = at.flag("prevent_singularity")?;
    match (at.text("type")?, prevent) {
        (Some("doubleHash"), prevent) => Ok(Some(HashKind::Double { prevent_singularity: prevent.unwrap_or(false) })),
        (Some("blakeHash"), None) => Ok(Some(HashKind::Blake)),
        (Some("blakeHash"), Some(_)) => Err(at.refuse("prevent_singularity", "it goes with doubleHash only")),
        _ => Err(at.refuse("type", "doubleHash and blakeHash are known")),
    }
}

/// The comparison and the strategy.
fn how(at: &At<'_>, version: &Version) -> Result<(Comparison, Strategy), ClkError> {
    let ngram = |at: &At<'_>, key| {
        let n = at.whole(key, 1, MOST)?.ok_or_else(|| at.refuse(key, MISSING))? as usize;
        Ok::<_, ClkError>(Comparison::Ngram { n, positional: at.flag("positional")?.unwrap_or(false) })
    };
    match version {
        Version::One { k, .. } => {
            at.only(&["ngram", "positional", "weight", "missingValue"])?;
            let weight = match at.map.get("weight") {
                None => 1.0,
                Some(weight) => weight.as_f64().ok_or_else(|| at.refuse("weight", "a number is wanted"))?,
            };
            let bits = (weight * *k as f64).round_ties_even();
            if !(1.0..=MOST as f64).contains(&bits) {
                return Err(at.refuse("weight", "the number is out of range"));
            }
            Ok((ngram(at, "ngram")?, Strategy::PerToken(bits as usize)))
        }
        Version::Two => {
            at.only(&["ngram", "positional", "strategy", "hash", "missingValue"])?;
            Ok((ngram(at, "ngram")?, strategy(&at.object("strategy")?, "k", "numBits")?))
        }
        Version::Three => {
            at.only(&["comparison", "strategy", "hash", "missingValue"])?;
            let comparison = at.object("comparison")?;
            let how = match comparison.text("type")? {
                Some("ngram") => ngram(&comparison, "n")?,
                Some("exact") => Comparison::Exact,
                Some("numeric") => Comparison::Numeric(numeric(&comparison)?),
                _ => return Err(comparison.refuse("type", "ngram, exact and numeric are known")),
            };
            Ok((how, strategy(&at.object("strategy")?, "bitsPerToken", "bitsPerFeature")?))
        }
    }
}

fn strategy(at: &At<'_>, token: &str, feature: &str) -> Result<Strategy, ClkError> {
    at.only(&[token, feature])?;
    match (at.whole(token, 1, MOST)?, at.whole(feature, 1, MOST)?) {
        (Some(bits), None) => Ok(Strategy::PerToken(bits as usize)),
        (None, Some(bits)) => Ok(Strategy::PerFeature(bits as usize)),
        _ => Err(at.refuse(token, "either this or the number of bits for the feature is wanted")),
    }
}

fn numeric(at: &At<'_>) -> Result<Numeric, ClkError> {
    let resolution = at.whole("resolution", 1, MOST)?.ok_or_else(|| at.refuse("resolution", MISSING))?;
    let precision = at.whole("fractional_precision", 0, 30)?.unwrap_or(0) as u32;
    let distance = at.map.get("thresholdDistance").ok_or_else(|| at.refuse("thresholdDistance", MISSING))?;
    // Python multiplies a whole number exactly, and any other as a double.
    let interval = match distance.as_u64() {
        Some(whole) => i128::from(whole).checked_mul(10i128.pow(precision)),
        None => {
            let distance = distance.as_f64().ok_or_else(|| at.refuse("thresholdDistance", "a number is wanted"))?;
            let power: f64 = format!("1e{precision}").parse().unwrap_or(f64::NAN);
            let interval = (distance * power).round_ties_even();
            (interval < 1e15).then_some(interval as i128)
        }
    };
    // Above 2^53 Python's half of the interval would be rounded.
    let fits = interval.filter(|interval| (1..1 << 53).contains(interval));
    let interval = fits.ok_or_else(|| at.refuse("thresholdDistance", "the number is out of range"))?;
    Ok(Numeric { interval, resolution: i128::from(resolution), precision })
}

fn format(at: &At<'_>) -> Result<(Format, Encoding), ClkError> {
    let signed = |key: &str| {
        let read = |value: &Value| value.as_i64().ok_or_else(|| at.refuse(key, "a whole number is wanted"));
        at.map.get(key).map(read).transpose()
    };
    let format = match at.text("type")? {
        Some("string") => {
            let encoding = match at.text("encoding")? {
                Some("ascii") => Encoding::Ascii,
                None | Some("utf-8") => Encoding::Utf8,
                Some("utf-16") => Encoding::Utf16,
                Some("utf-32") => Encoding::Utf32,
                Some(_) => return Err(at.refuse("encoding", "ascii, utf-8, utf-16 and utf-32 are known")),
            };
            if at.text("pattern")?.is_some() {
                at.only(&["type", "encoding", "pattern", "description"])?;
                return Ok((Format::Pattern, encoding));
            }
            at.only(&["type", "encoding", "case", "minLength", "maxLength", "description"])?;
            let upper = match at.text("case")? {
                None | Some("mixed") => None,
                Some("upper") => Some(true),
                Some("lower") => Some(false),
                Some(_) => return Err(at.refuse("case", "upper, lower and mixed are known")),
            };
            let shortest = at.whole("minLength", 0, u64::MAX)?.unwrap_or(0);
            let longest = at.whole("maxLength", 1, u64::MAX)?.unwrap_or(u64::MAX);
            return Ok((Format::Text { upper, shortest, longest }, encoding));
        }
        Some("integer") => {
            at.only(&["type", "minimum", "maximum", "description"])?;
            Format::Integer { least: signed("minimum")?, most: signed("maximum")? }
        }
        Some("date") => {
            at.only(&["type", "format", "description"])?;
            let format = at.text("format")?.ok_or_else(|| at.refuse("format", MISSING))?;
            let read = DateFormat::parse(format);
            Format::Date(read.ok_or_else(|| at.refuse("format", "it has a field that is not known or comes twice"))?)
        }
        Some("enum") => {
            at.only(&["type", "values", "description"])?;
            let values = at.map.get("values").and_then(Value::as_array);
            let values = values.and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
            Format::Enum(values.ok_or_else(|| at.refuse("values", "a list of texts is wanted"))?)
        }
        _ => return Err(at.refuse("type", "string, integer, date and enum are known")),
    };
    Ok((format, Encoding::Utf8))
}
