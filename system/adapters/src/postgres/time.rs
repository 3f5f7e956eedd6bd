//! Time stamps cross the wire in Postgres's binary format, as whole microseconds: through a floating
//! point number of seconds, or a multiple of an interval, they would lose their last digits.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

/// Postgres counts from 2000-01-01, here in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMP: Oid = Oid(1114);

/// A `timestamptz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) Timestamp);

/// A `timestamp`: what a clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WallTime(pub(super) civil::DateTime);

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // Cannot overflow: a `Timestamp` ends with the year 9999.
        Encode::<Postgres>::encode(self.0.as_microsecond() - EPOCH_MICROS, buf)
    }
}

impl Decode<'_, Postgres> for Stamp {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("a time stamp as text".into());
        }
        let micros: i64 = Decode::<Postgres>::decode(value)?;
        // `infinity` and its opposite are the ends of the range.
        let micros = micros.checked_add(EPOCH_MICROS).ok_or("no time stamp")?;
        Ok(Self(Timestamp::from_microsecond(micros)?))
    }
}

impl WallTime {
    /// Whether the database can hold it: not quite every date that there is has a time stamp.
    pub(super) fn check(self) -> Result<(), jiff::Error> {
        TimeZone::UTC.to_timestamp(self.0).map(drop)
    }
}

impl Type<Postgres> for WallTime {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMP)
    }
}

// On the wire a wall time is the time stamp that UTC would call so.
impl Encode<'_, Postgres> for WallTime {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let stamp = Stamp(TimeZone::UTC.to_timestamp(self.0)?);
        Encode::<Postgres>::encode_by_ref(&stamp, buf)
    }
}

impl Decode<'_, Postgres> for WallTime {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let Stamp(stamp) = Decode::<Postgres>::decode(value)?;
        Ok(Self(TimeZone::UTC.to_datetime(stamp)))
    }
}

/// Reads microseconds that a statement selected. The column's range lies within jiff's, so the
/// error is for a value that no statement of ours can have written.
pub(super) fn from_micros(micros: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(micros).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// An interval in microseconds; one that outlives the calendar is as good as for ever.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
