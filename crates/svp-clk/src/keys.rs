//! Keys of the features from one secret: HKDF (Krawczyk and Eronen 2010, RFC 5869) as `clkhash.key_derivation` cuts it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::error::ClkError;
use crate::schema::{Kdf, KdfHash};

/// Two keys for each feature, ignored ones included, one after another.
pub(crate) fn derive(kdf: &Kdf, secret: &[u8], features: usize) -> Result<Zeroizing<Vec<u8>>, ClkError> {
    let length = kdf.key_size.checked_mul(2 * features).ok_or(ClkError::Keys("they would be too long"))?;
    match kdf.hash {
        KdfHash::Sha256 => hkdf::<Hmac<Sha256>>(kdf, secret, length, 32),
        KdfHash::Sha512 => hkdf::<Hmac<Sha512>>(kdf, secret, length, 64),
    }
}

fn hkdf<M: Mac + KeyInit>(
    kdf: &Kdf,
    secret: &[u8],
    length: usize,
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, ClkError> {
    if length > 255 * size {
        return Err(ClkError::Keys("HKDF gives at most 255 digests: fewer features or shorter keys"));
    }
    let code = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| ClkError::Keys("the salt cannot be a key"))?;
        parts.iter().for_each(|part| mac.update(part));
        Ok::<_, ClkError>(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
    };
    let master = code(&kdf.salt, &[secret])?;
    let mut keys = Zeroizing::new(Vec::with_capacity(length + size));
    let mut block = Zeroizing::new(Vec::new());
    for number in 1u8..=255 {
        if keys.len() >= length {
            break;
        }
        block = code(&master, &[&block, &kdf.info, &[number]])?;
        keys.extend_from_slice(&block);
    }
    keys.truncate(length);
    Ok(keys)
}
