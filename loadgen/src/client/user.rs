use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gauntlet_contract::UserId;
use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::error::{LoadError, LoadErrorKind};

/// On whose behalf operations are offered. `Debug` does not show the token.
#[derive(Clone)]
pub struct User {
    id: UserId,
    authorization: HeaderValue,
}

/// The one claim that is read from a token.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl User {
    pub fn new(id: UserId, token: &str) -> Result<User, LoadError> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|error| LoadError::caused(unusable("it has control characters"), error))?;
        authorization.set_sensitive(true);
        Ok(User { id, authorization })
    }

    /// Takes the id from the token's `sub`. The signature is the API's to verify, not ours.
    pub fn from_token(token: &str) -> Result<User, LoadError> {
        let payload = token
            .split('.')
            .nth(1)
            .ok_or_else(|| LoadError::new(unusable("it is not a JWT")))?;
        let json = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|error| LoadError::caused(unusable("its payload is not base64url"), error))?;
        let claims: Claims = serde_json::from_slice(&json)
            .map_err(|error| LoadError::caused(unusable("it has no `sub` claim"), error))?;
        let id = UserId::from_str(&claims.sub)
            .map_err(|error| LoadError::caused(unusable("its `sub` is not a UUID"), error))?;
        User::new(id, token)
    }

    pub fn id(&self) -> UserId {
        self.id
    }

    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn unusable(why: &str) -> LoadErrorKind {
    LoadErrorKind::Token {
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_the_subject_of_the_token() {
        let id = UserId::generate();
        let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{id}","exp":1}}"#));
        let user = User::from_token(&format!("e30.{payload}.c2ln")).expect("a token");
        assert_eq!(user.id(), id);
        assert!(!format!("{user:?}").contains(&payload));
    }

    #[test]
    fn a_token_that_names_nobody_is_refused() {
        let nobody = URL_SAFE_NO_PAD.encode(r#"{"sub":"root"}"#);
        for (token, because) in [
            ("secret", "not a JWT"),
            ("a.%.b", "base64url"),
            ("e30.e30.e30", "no `sub`"),
            (&format!("e30.{nobody}.e30"), "not a UUID"),
        ] {
            let error = User::from_token(token).expect_err(token).to_string();
            assert!(error.contains(because), "{token}: {error}");
        }
    }
}
