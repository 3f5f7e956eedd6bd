//! Time stamps cross the wire as microseconds since the epoch, as integers: through a floating
//! point number of seconds they would lose their last digits.

use jiff::Timestamp;

/// Reads microseconds that a statement selected. The column's range lies within jiff's, so the
/// error is for a value that no statement of ours can have written.
pub(super) fn from_micros(micros: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(micros).map_err(|error| sqlx::Error::Decode(error.into()))
}
