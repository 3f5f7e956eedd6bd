//! The todo system: one binary, one or more roles in a process.
//!
//! A request becomes a domain decision, and the decision one transaction {row, outbox}. The relay
//! publishes the outbox; consumers turn events into one transaction {inbox, effect} each. Only
//! `main` reads the environment and only [`wiring`] constructs adapters: everything else is handed
//! what it needs as ports.

pub mod ask;
pub mod auth;
pub mod commands;
pub mod config;
pub mod consumers;
pub mod drain;
pub mod health;
pub mod http;
pub mod recurring;
pub mod relay;
pub mod secrets;
pub mod serve;
pub mod telemetry;
pub mod trace_context;
pub mod traces;
pub mod upkeep;
pub mod wiring;
