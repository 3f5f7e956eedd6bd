//! Verification of bearer tokens: JWTs signed with Ed25519, whose keys come from a JWKS file.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use gauntlet_contract::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::config::TokenConfig;

/// Clocks of two machines differ by about this much; a token lives that much longer for it.
const LEEWAY_SECS: u64 = 5;
/// Bytes of an Ed25519 public key.
const PUBLIC_KEY_BYTES: usize = 32;
const MEND: &str = "write a JWKS with the public Ed25519 keys of the token issuer and name the \
                    file in JWT_JWKS_FILE; there is no default key";

/// Verifies tokens against the keys it was built with.
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("key_ids", &self.keys.keys())
            .finish_non_exhaustive()
    }
}

/// Why there is no verifier. The process must not start then.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("failed to read the token keys from {}: {MEND}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to understand the token keys: {MEND}")]
    Malformed(#[source] serde_json::Error),
    #[error("failed to find a usable token key (kty OKP, crv Ed25519, with kid and x): {MEND}")]
    NoneUsable,
}

/// Why a token is refused. Clients are told only that it is; the reason is for logs.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("failed to find the token's key: it names none that is known")]
    UnknownKey,
    #[error("failed to accept the token's header: it demands an extension")]
    Extension,
    #[error("failed to verify the token")]
    Invalid(#[from] jsonwebtoken::errors::Error),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// The fields of a key that matter here. Keys of other kinds may lack any of them.
#[derive(Deserialize)]
struct Key {
    kty: Option<String>,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    x: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: UserId,
}

impl Verifier {
    /// Reads the keys, once: who rotates them restarts the process. A set may hold keys of other kinds, which are passed over.
    pub fn from_file(config: &TokenConfig) -> Result<Self, KeysError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| KeysError::Read {
                path: path.to_owned(),
                source,
            })
        };
        Self::from_jwks(&read(&config.jwks_file)?, &config.issuer, &config.audience)
    }

    /// Takes the keys from an encoded JWKS.
    pub fn from_jwks(jwks: &[u8], issuer: &str, audience: &str) -> Result<Self, KeysError> {
        let set: KeySet = serde_json::from_slice(jwks).map_err(KeysError::Malformed)?;
        let keys: HashMap<_, _> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeysError::NoneUsable);
        }
        // The algorithm is pinned here and never taken from a token.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECS;
        Ok(Self { keys, validation })
    }

    /// Verifies signature, issuer, audience and times; answers whose token it is.
    pub fn verify(&self, token: &str) -> Result<UserId, TokenError> {
        let header = jsonwebtoken::decode_header(token)?;
        // An extension marked as critical must be refused by whoever does not know it (RFC 7515).
        if header.crit.is_some() {
            return Err(TokenError::Extension);
        }
        let key = header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .ok_or(TokenError::UnknownKey)?;
        let token = jsonwebtoken::decode::<Claims>(token, key, &self.validation)?;
        Ok(token.claims.sub)
    }
}

/// A key without an id could only be tried, and one whose size is wrong would fail every token: both
/// are passed over, and a set that has no other is refused as a whole.
fn usable(value: serde_json::Value) -> Option<(String, DecodingKey)> {
    let key: Key = serde_json::from_value(value).ok()?;
    let is_signing_ed25519 = key.kty.as_deref() == Some("OKP")
        && key.crv.as_deref() == Some("Ed25519")
        && key.alg.is_none_or(|alg| alg == "EdDSA" || alg == "Ed25519")
        && key.usage.is_none_or(|usage| usage == "sig");
    if !is_signing_ed25519 {
        return None;
    }
    let decoding_key = DecodingKey::from_ed_components(&key.x?).ok()?;
    let bytes = decoding_key.try_get_as_bytes().ok()?;
    (bytes.len() == PUBLIC_KEY_BYTES).then_some((key.kid?, decoding_key))
}
