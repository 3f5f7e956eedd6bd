//! Whether building blocks serve as they should, and fail as they should.

mod block_conforms;

pub use block_conforms::BlockConforms;
