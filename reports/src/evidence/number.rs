//! JSON has no NaN or infinity: `serde_json` writes them as `null`. One ratio with an empty
//! denominator must not make a whole report unreadable, so `null` reads back as NaN.

use serde::{Deserialize, Deserializer};

pub(super) fn or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

pub(super) fn pairs_or_nan<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(f64, f64)>, D::Error> {
    let pairs = Vec::<(Option<f64>, Option<f64>)>::deserialize(deserializer)?;
    let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
    Ok(pairs
        .into_iter()
        .map(|(x, y)| (or_nan(x), or_nan(y)))
        .collect())
}
