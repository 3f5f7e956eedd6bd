use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gauntlet_contract::UserId;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::error::{StackError, StackErrorKind};

/// The `iss` of every token that the harness mints.
pub const ISSUER: &str = "gauntlet";
/// The `aud` of every token that the harness mints.
pub const AUDIENCE: &str = "todo";

/// The key of one run. It exists in memory only; the system gets its public half.
#[derive(Clone)]
pub struct Keys {
    id: String,
    private: EncodingKey,
    public: String,
}

/// Without the private half.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("id", &self.id)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    aud: &'static str,
    sub: String,
    iat: u64,
    exp: u64,
}

impl Keys {
    pub fn generate() -> Result<Self, StackError> {
        let failed = |_| {
            let what = "make the key that tokens are signed with";
            StackError::new(
                StackErrorKind::Io,
                what,
                "see that the machine has randomness",
            )
        };
        let pair = Ed25519KeyPair::generate().map_err(failed)?;
        let private = pair.to_pkcs8().map_err(failed)?;
        Ok(Self {
            id: Uuid::new_v4().simple().to_string(),
            private: EncodingKey::from_ed_der(private.as_ref()),
            public: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        })
    }

    /// The public key as a JSON Web Key Set.
    pub fn jwks(&self) -> String {
        let key = json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.id, "x": self.public,
        });
        json!({ "keys": [key] }).to_string()
    }

    /// A token that makes its bearer `user` from now on for `ttl`, in whole seconds.
    pub fn token_for(&self, user: UserId, ttl: Duration) -> Result<String, StackError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: user.to_string(),
            iat: now,
            exp: now + ttl.as_secs(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.clone());
        encode(&header, &claims, &self.private).map_err(|error| {
            StackError::new(StackErrorKind::Io, "sign a token", "see the cause").because(error)
        })
    }
}

/// A secret that processes show each other: one for a stack between roles, one for a lane between its
/// sidecars and their apps. It exists in memory and in the environment of those who need it, and nowhere
/// else.
#[derive(Clone)]
pub(super) struct ServiceToken(String);

impl ServiceToken {
    /// 256 random bits, in 43 characters that a header can carry.
    pub(super) fn generate() -> Result<Self, StackError> {
        let mut bits = [0; 32];
        rand::fill(&mut bits).map_err(|_| {
            StackError::new(
                StackErrorKind::Io,
                "make a token that processes show each other",
                "see that the machine has randomness",
            )
        })?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bits)))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Without the secret.
impl std::fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::*;

    fn verify(token: &str, keys: &Keys) -> Result<Value, jsonwebtoken::errors::Error> {
        let set: JwkSet = serde_json::from_str(&keys.jwks()).unwrap();
        let key = DecodingKey::from_jwk(&set.keys[0]).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        decode::<Value>(token, &key, &validation).map(|data| data.claims)
    }

    #[test]
    fn tokens_verify_with_the_published_key_and_no_other() {
        let keys = Keys::generate().unwrap();
        let user = UserId::generate();
        let token = keys.token_for(user, Duration::from_mins(1)).unwrap();
        assert_eq!(verify(&token, &keys).unwrap()["sub"], user.to_string());
        assert!(verify(&token, &Keys::generate().unwrap()).is_err());
    }

    #[test]
    fn neither_half_of_the_output_tells_the_private_key() {
        let keys = Keys::generate().unwrap();
        let jwks: Value = serde_json::from_str(&keys.jwks()).unwrap();
        assert!(jwks["keys"][0].get("d").is_none());
        assert!(!format!("{keys:?}").contains("private"));
    }

    #[test]
    fn a_service_token_is_long_fresh_and_does_not_show_itself() {
        let [one, other] = [(); 2].map(|()| ServiceToken::generate().unwrap());
        assert!(one.reveal().len() >= 32);
        assert!(one.reveal().bytes().all(|byte| byte.is_ascii_graphic()));
        assert_ne!(one.reveal(), other.reveal());
        assert!(!format!("{one:?}").contains(one.reveal()));
    }
}
