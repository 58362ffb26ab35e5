//! Who was erased, as the run record says it: sealed tokens, and, in a lake from before, digests of tokens.
//!
//! A digest cannot be taken over to a next key. It becomes a sealed token as soon as the record comes again in an extract and is taken
//! out; a rotation before that leaves it behind and says so.

use std::collections::BTreeSet;

use svp_lake::LakeError;
use svp_lake::input::digest_bytes;
use svp_pseudonymise::{Key, KeyRotation, TokenSeal};

use crate::error::AppError;

/// What the tokens are sealed for.
const DOMAIN: &str = "erased";

/// The records that are kept out of a lake.
#[derive(Debug)]
pub(crate) struct KeptOut {
    seal: TokenSeal,
    tokens: BTreeSet<String>,
    digests: BTreeSet<String>,
}

impl KeptOut {
    /// As a run record lists them, under the key of the lake.
    ///
    /// # Errors
    /// [`AppError::Damage`] for one that does not open under the key.
    pub(crate) fn read(listed: &[String], key: &Key) -> Result<Self, AppError> {
        let mut erased = Self { seal: TokenSeal::new(key, DOMAIN), tokens: BTreeSet::new(), digests: BTreeSet::new() };
        for one in listed {
            if !TokenSeal::is_sealed(one) {
                erased.digests.insert(one.clone());
                continue;
            }
            let what = "a record that was erased does not open under the key of the lake";
            let damaged = || AppError::Damage(vec![LakeError::Damaged { path: "runs".to_owned(), what }]);
            erased.tokens.insert(erased.seal.open(one).ok_or_else(damaged)?);
        }
        Ok(erased)
    }

    /// Whether nobody was erased.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.digests.is_empty()
    }

    /// Whether a record was erased.
    pub(crate) fn holds(&self, token: &str) -> bool {
        self.tokens.contains(token)
            || (!self.digests.is_empty() && self.digests.contains(&digest_bytes(token.as_bytes())))
    }

    /// Adds a record by its token, in place of the digest that a lake from before has of it.
    pub(crate) fn add(&mut self, token: &str) {
        self.digests.remove(&digest_bytes(token.as_bytes()));
        self.tokens.insert(token.to_owned());
    }

    /// As the next run record lists them.
    pub(crate) fn listed(&self) -> Vec<String> {
        let sealed = self.tokens.iter().filter_map(|token| self.seal.seal(token));
        let mut listed: Vec<String> = sealed.chain(self.digests.iter().cloned()).collect();
        listed.sort();
        listed
    }

    /// As the first record under the next key lists them, and how many are left behind: of these only digests are known.
    pub(crate) fn turned(&self, step: &KeyRotation, next: &Key) -> (Vec<String>, usize) {
        let seal = TokenSeal::new(next, DOMAIN);
        let mut listed: Vec<String> = self.tokens.iter().filter_map(|token| seal.seal(&step.turned(token))).collect();
        listed.sort();
        (listed, self.digests.len())
    }
}
