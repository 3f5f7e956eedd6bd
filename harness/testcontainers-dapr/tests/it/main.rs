//! The images on a real engine, each test on a network of its own.
//!
//! Without an engine every test fails: whoever turns `engine` on wants an answer about real containers.
//! `GAUNTLET_DAPRD_IMAGE`, `GAUNTLET_SCHEDULER_IMAGE`, `GAUNTLET_PLACEMENT_IMAGE` and `GAUNTLET_REDIS_IMAGE` name
//! images other than the official ones, each as `name:tag`.

mod engine;
mod images;
