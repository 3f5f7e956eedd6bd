//! What is true of the provider `containers` beyond the contract.

mod bench;
mod engine;
mod isolation;
mod leftovers;
mod limits;
mod network;
