use uuid::Uuid;

use super::TraceContext;

/// A trace that a request of a case began. The suite names its traces itself, so that what they lead to can be
/// compared between lanes and led back to the request: the id is the user's, with the number of the request
/// in the place of its last 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traced(u128);

/// A span that began a trace has no parent, and any id will do.
const SPAN: u64 = 1;
const REQUEST_BITS: u128 = 0xffff;

impl Traced {
    /// The trace of a user's request, numbered from 0 within the case.
    pub fn by(user: Uuid, request: u16) -> Self {
        Self(user.as_u128() & !REQUEST_BITS | u128::from(request))
    }

    /// As the header `traceparent` has it (W3C).
    pub fn header(self) -> String {
        format!("00-{:032x}-{SPAN:016x}-01", self.0)
    }

    /// Reads a `traceparent` of version 00, whoever began it; none for what is malformed.
    pub fn read(text: &str) -> Option<Self> {
        let context = TraceContext::read(text)?;
        Some(Self(context.trace_id.bits()))
    }

    /// The number of the request, if it was one of the suite's.
    pub(super) fn request(self) -> u16 {
        u16::try_from(self.0 & REQUEST_BITS).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0007);

    #[test]
    fn a_header_reads_back_whatever_span_it_has_by_then() {
        let traced = Traced::by(USER, 3);
        let header = traced.header();
        assert_eq!(
            header,
            "00-01990000000070008000000000000003-0000000000000001-01"
        );
        let through_a_sidecar = header.replace("-0000000000000001-01", "-00f067aa0ba902b7-00");
        assert_eq!(Traced::read(&through_a_sidecar), Some(traced));
        assert_eq!(traced.request(), 3);
        assert_ne!(Traced::by(USER, 4), traced);
    }

    #[test]
    fn planted_malformed_headers_are_none() {
        let good = Traced::by(USER, 3).header();
        for bad in [
            good.replace("00-0199", "01-0199"),
            good.replace("00-0199", "00-199"),
            good.replace("0199", "01G9"),
            good.replace("-0000000000000001-", "-0000000000000000-"),
            format!("{good}-00"),
            String::new(),
        ] {
            assert_eq!(Traced::read(&bad), None, "{bad}");
        }
    }
}
