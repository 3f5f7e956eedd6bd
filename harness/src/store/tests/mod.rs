//! The store against planted faults, with small fake sources: no network, no real client.

mod caching;
mod fixture;
mod installed;
mod lacking;
mod sources;
