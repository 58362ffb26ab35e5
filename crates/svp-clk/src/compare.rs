//! Values into tokens, as `clkhash.comparators` cuts them.

use std::io::Write;

use crate::feature::{Comparison, Encoding, Numeric};
use crate::python;

impl Numeric {
    /// The middle of a number's neighbourhood, in the units of the interval.
    fn middle(&self, value: &str) -> Result<i128, &'static str> {
        const FAR: &str = "the number is too large to be compared";
        let number = match python::integer(value) {
            Some(whole) => whole
                .parse::<i128>()
                .ok()
                .and_then(|whole| whole.checked_mul(10i128.checked_pow(self.precision)?))
                .ok_or(FAR)?,
            None => {
                let number = python::float(value).ok_or("it is not a number")?;
                let scaled = if self.precision > 0 {
                    // 10^precision as the nearest double, which Python multiplies with.
                    let power: f64 = format!("1e{}", self.precision).parse().map_err(|_| FAR)?;
                    (number * power).round_ties_even()
                } else {
                    number.trunc()
                };
                if scaled.abs() >= 1e38 {
                    return Err(FAR);
                }
                scaled as i128
            }
        };
        let number = number.checked_mul(2 * self.resolution).ok_or(FAR)?;
        let residue = number.rem_euclid(self.interval);
        let down = number.checked_sub(residue).ok_or(FAR)?;
        let middle = if 2 * residue < self.interval { down } else { down.checked_add(self.interval).ok_or(FAR)? };
        // The ends must fit too.
        let reach = self.resolution.checked_mul(self.interval).ok_or(FAR)?;
        middle.checked_add(reach).and(middle.checked_sub(reach)).map(|_| middle).ok_or(FAR)
    }
}

/// Room for the tokens of a value, kept between values.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    letters: Vec<char>,
}

impl Tokens {
    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The tokens in their order, encoded.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut start, end)..end])
    }

    /// Cuts a value; an empty one has no tokens.
    pub(crate) fn cut(&mut self, value: &str, how: &Comparison, encoding: Encoding) -> Result<(), &'static str> {
        self.bytes.clear();
        self.ends.clear();
        if value.is_empty() {
            return Ok(());
        }
        match how {
            Comparison::Ngram { n, positional } => {
                if value.is_ascii() && encoding.is_bytes() {
                    self.ngrams_of_bytes(value.as_bytes(), *n, *positional);
                    return Ok(());
                }
                self.letters.clear();
                self.letters.extend(std::iter::repeat_n(' ', n - 1));
                self.letters.extend(value.chars());
                self.letters.extend(std::iter::repeat_n(' ', n - 1));
                let letters = std::mem::take(&mut self.letters);
                for (place, letters) in letters.windows(*n).enumerate() {
                    self.token(encoding, |token| {
                        if *positional {
                            let mut front = Decimal::default();
                            front.text(place + 1).iter().try_for_each(|&digit| token.push(char::from(digit)))?;
                            token.push(' ')?;
                        }
                        letters.iter().try_for_each(|&letter| token.push(letter))
                    })?;
                }
                self.letters = letters;
            }
            Comparison::Exact => self.token(encoding, |token| value.chars().try_for_each(|c| token.push(c)))?,
            Comparison::Numeric(numeric) => {
                let middle = numeric.middle(value)?;
                for step in -numeric.resolution..=numeric.resolution {
                    let number = middle + step * numeric.interval;
                    if encoding.is_bytes() {
                        // Writing to a vector cannot fail.
                        let _ = write!(self.bytes, "{number}");
                        self.ends.push(self.bytes.len());
                    } else {
                        self.token(encoding, |token| number.to_string().chars().try_for_each(|c| token.push(c)))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn ngrams_of_bytes(&mut self, value: &[u8], n: usize, positional: bool) {
        let count = value.len() + n - 1;
        let mut front = Decimal::default();
        for place in 0..count {
            if positional {
                self.bytes.extend_from_slice(front.text(place + 1));
                self.bytes.push(b' ');
            }
            // The window of the value between n - 1 blanks on either side.
            for at in place..place + n {
                self.bytes.push(at.checked_sub(n - 1).and_then(|at| value.get(at)).copied().unwrap_or(b' '));
            }
            self.ends.push(self.bytes.len());
        }
    }

    fn token(
        &mut self,
        encoding: Encoding,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        encoding.mark(&mut self.bytes);
        write(&mut Encoder { encoding, bytes: &mut self.bytes })?;
        self.ends.push(self.bytes.len());
        Ok(())
    }
}

/// A number in decimal digits.
#[derive(Default)]
struct Decimal([u8; 20]);

impl Decimal {
    fn text(&mut self, mut number: usize) -> &[u8] {
        let mut start = self.0.len();
        while start > 0 {
            start -= 1;
            self.0[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        &self.0[start..]
    }
}

/// Writes the characters of a token.
struct Encoder<'a> {
    encoding: Encoding,
    bytes: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    fn push(&mut self, letter: char) -> Result<(), &'static str> {
        match self.encoding {
            Encoding::Ascii if !letter.is_ascii() => return Err("it has a character that is not ASCII"),
            Encoding::Ascii | Encoding::Utf8 => {
                self.bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Encoding::Utf16 => {
                let units =
                    letter.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>();
                self.bytes.extend_from_slice(&units);
            }
            Encoding::Utf32 => self.bytes.extend_from_slice(&u32::from(letter).to_le_bytes()),
        }
        Ok(())
    }
}
