//! The wire, pinned: each type is encoded to the golden bytes and decoded from them. Who changes a
//! file in `tests/golden` breaks every client, consumer and stored event out there.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and the panic says where"
)]

mod decoding;
mod golden;
