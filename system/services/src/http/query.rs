use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use gauntlet_contract::problem::FieldError;

use super::problem::ApiError;

pub(super) const LIMIT_DEFAULT: u32 = 50;
pub(super) const LIMIT_MAX: u32 = 100;

/// The query of a request, to be read field by field. What is wrong is gathered, so that a client
/// hears of everything at once; a field that nobody read is wrong too.
#[derive(Debug)]
pub(super) struct Fields {
    unread: BTreeMap<String, Vec<String>>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Fields {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::Malformed(rejection.body_text()))?;
        let mut fields = Self {
            unread: BTreeMap::new(),
            errors: Vec::new(),
        };
        for (name, value) in pairs {
            fields.unread.entry(name).or_default().push(value);
        }
        Ok(fields)
    }
}

impl Fields {
    /// Whether there is such a field that has not been read yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.unread.contains_key(name)
    }

    /// Reads an optional field with a function that answers none for what is not allowed.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let values = self.unread.remove(name)?;
        let [value] = values.as_slice() else {
            // Which of two values was meant is not for us to guess.
            self.refuse(name, "given more than once");
            return None;
        };
        let parsed = parse(value);
        if parsed.is_none() {
            self.refuse(name, expected);
        }
        parsed
    }

    /// Reads a field with one or more values between commas; none when it is absent.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        self.read(name, expected, |value| split(value, &parse))
            .unwrap_or_default()
    }

    /// Reads a list that may also be given in several fields of that name.
    pub(super) fn lists<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let values = self.unread.remove(name).unwrap_or_default();
        let parsed: Option<Vec<Vec<T>>> = values.iter().map(|value| split(value, &parse)).collect();
        if parsed.is_none() {
            self.refuse(name, expected);
        }
        parsed.into_iter().flatten().flatten().collect()
    }

    /// Reads `limit`: 1–100, 50 when absent.
    pub(super) fn limit(&mut self) -> u32 {
        let in_range = |text: &str| {
            let limit = text.parse().ok()?;
            (1..=LIMIT_MAX).contains(&limit).then_some(limit)
        };
        self.read("limit", "must be 1 to 100", in_range)
            .unwrap_or(LIMIT_DEFAULT)
    }

    /// Ends the reading.
    pub(super) fn finish(mut self) -> Result<(), ApiError> {
        for name in std::mem::take(&mut self.unread).into_keys() {
            self.refuse(&name, "unknown field");
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Invalid(self.errors))
        }
    }

    /// Remembers what is wrong; reading goes on, to find the rest.
    pub(super) fn refuse(&mut self, field: &str, detail: &str) {
        self.errors.push(FieldError {
            field: field.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

fn split<T>(value: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(parse).collect()
}
