use axum::http::{Method, StatusCode};
use gauntlet_contract::{Task, UserId};
use gauntlet_services::auth::{KeysError, Verifier};
use gauntlet_services::config::TokenConfig;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Api, ISSUER, Issuer, claims};

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Tokens that must not be accepted, each with what is wrong with it.
fn bad_tokens(api: &Api) -> Vec<(&'static str, String)> {
    let issuer = &api.issuer;
    let good = claims(api.user_id);
    let now = good["iat"].as_i64().unwrap();
    let sign = |claims: &Value| issuer.sign(&issuer.header(), claims);
    let mut no_kid = issuer.header();
    no_kid.kid = None;
    let mut critical = issuer.header();
    critical.crit = Some(vec!["exp".to_owned()]);
    let token = issuer.token(api.user_id);
    let (payload, _signature) = token.rsplit_once('.').unwrap();
    // The public key as a shared secret: what a verifier falls for that believes the token's `alg`.
    let mut symmetric = Header::new(Algorithm::HS256);
    symmetric.kid = Some(issuer.kid.to_owned());
    let secret = EncodingKey::from_secret(issuer.public_key());
    let forged = jsonwebtoken::encode(&symmetric, &good, &secret).unwrap();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!(
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.",
        payload.split('.').nth(1).unwrap()
    );
    vec![
        ("expired", sign(&with(good.clone(), "exp", json!(now - 60)))),
        ("without end", sign(&without(good.clone(), "exp"))),
        (
            "not yet good",
            sign(&with(good.clone(), "nbf", json!(now + 60))),
        ),
        (
            "another issuer",
            sign(&with(good.clone(), "iss", json!("x"))),
        ),
        ("no issuer", sign(&without(good.clone(), "iss"))),
        (
            "another audience",
            sign(&with(good.clone(), "aud", json!("x"))),
        ),
        ("no audience", sign(&without(good.clone(), "aud"))),
        ("no user", sign(&without(good.clone(), "sub"))),
        (
            "a user that is no UUID",
            sign(&with(good.clone(), "sub", json!("root"))),
        ),
        ("another key", Issuer::new(issuer.kid).token(api.user_id)),
        ("an unknown key id", Issuer::new("key-2").token(api.user_id)),
        ("no key id", issuer.sign(&no_kid, &good)),
        ("a critical extension", issuer.sign(&critical, &good)),
        ("another algorithm", forged),
        ("no algorithm", unsigned),
        ("no signature", format!("{payload}.")),
        ("not a token", "garbage".to_owned()),
        ("empty", String::new()),
    ]
}

#[tokio::test]
async fn every_bad_token_is_refused_everywhere_and_nothing_is_written() {
    let api = Api::new();
    let task = api.created("mine").await;
    let path = format!("/api/tasks/{}", task.id);
    for (what, token) in bad_tokens(&api) {
        for (method, path) in [
            (Method::POST, "/api/tasks"),
            (Method::GET, "/api/tasks"),
            (Method::GET, path.as_str()),
            (Method::PATCH, path.as_str()),
            (Method::DELETE, path.as_str()),
            (Method::PATCH, format!("{path}/complete").as_str()),
            (Method::GET, "/api/audit"),
        ] {
            let call = api.call(method.clone(), path).with_token(token.clone());
            let answer = call.json(&json!({ "title": "stolen" })).await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{what}: {method} {path}"
            );
            answer.problem();
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains("invalid_token"), "{challenge}");
        }
    }
    assert_eq!(api.store.task_count(), 1);
    assert_eq!(api.store.events().len(), 1);
}

#[tokio::test]
async fn without_a_token_the_scheme_is_named() {
    let api = Api::new();
    let answer = api.get("/api/tasks").without_token().send("").await;
    answer.refused(StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(r#"Bearer realm="todo""#)
    );
}

#[tokio::test]
async fn two_authorization_headers_are_none() {
    let api = Api::new();
    let other = format!("Bearer {}", api.issuer.token(UserId::generate()));
    let call = api.get("/api/tasks").header("authorization", &other);
    call.send("").await.refused(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn anothers_task_looks_like_none_and_stays_as_it_is() {
    let api = Api::new();
    let task = api.created("mine").await;
    let stranger = api.issuer.token(UserId::generate());
    let path = format!("/api/tasks/{}", task.id);
    let absent = format!("/api/tasks/{}", gauntlet_contract::TaskId::generate());
    for (method, suffix, body) in [
        (Method::GET, "", json!({})),
        (Method::PATCH, "", json!({"title": "stolen"})),
        (Method::DELETE, "", json!({})),
        (Method::PATCH, "/complete", json!({"completed": true})),
    ] {
        let ask = async |path: &str| {
            let call = api.call(method.clone(), &format!("{path}{suffix}"));
            call.with_token(stranger.clone()).json(&body).await
        };
        let theirs = ask(&path).await;
        let nothing = ask(&absent).await;
        theirs.refused(StatusCode::NOT_FOUND);
        assert_eq!(theirs.problem(), nothing.problem(), "{method} {suffix}");
    }
    let unchanged: Task = api.get(&path).send("").await.json();
    assert_eq!(unchanged, task);
    assert_eq!(api.store.events().len(), 1);
}

#[test]
fn a_verifier_without_a_usable_key_does_not_come_about() {
    let private_only = json!({"kty": "oct", "kid": "k", "k": "c2VjcmV0"});
    let no_kid = without(Issuer::new("k").jwk(), "kid");
    let short = with(Issuer::new("k").jwk(), "x", json!("AAAA"));
    let for_encryption = with(Issuer::new("k").jwk(), "use", json!("enc"));
    for key in [private_only, no_kid, short, for_encryption, json!(null)] {
        let jwks = json!({ "keys": [key] }).to_string();
        let refused = Verifier::from_jwks(jwks.as_bytes(), ISSUER, AUDIENCE).unwrap_err();
        assert!(
            matches!(refused, KeysError::NoneUsable),
            "{jwks}: {refused}"
        );
    }
    let refused = Verifier::from_jwks(b"-----BEGIN", ISSUER, AUDIENCE).unwrap_err();
    assert!(matches!(refused, KeysError::Malformed(_)));
}

#[test]
fn a_missing_key_file_names_itself_and_the_mend() {
    let config = TokenConfig {
        jwks_file: "/nowhere/jwks.json".into(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
    };
    let message = Verifier::from_file(&config).unwrap_err().to_string();
    assert!(message.contains("/nowhere/jwks.json"), "{message}");
    assert!(message.contains("JWT_JWKS_FILE"), "{message}");
}

#[test]
fn keys_of_other_kinds_are_passed_over() {
    let issuer = Issuer::new("key-1");
    let jwks = json!({"keys": [{"kty": "future"}, {"kty": "RSA", "kid": "r"}, issuer.jwk()]});
    let verifier = Verifier::from_jwks(jwks.to_string().as_bytes(), ISSUER, AUDIENCE).unwrap();
    let user_id = UserId::generate();
    assert_eq!(verifier.verify(&issuer.token(user_id)).unwrap(), user_id);
}
