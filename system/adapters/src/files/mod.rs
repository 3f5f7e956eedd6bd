//! Secrets from files and from the environment, as an orchestrator gives them.

mod env;
mod folder;
mod json;
#[cfg(test)]
mod tests;
mod text;

pub use env::EnvSecrets;
pub use folder::FolderSecrets;
pub use json::JsonSecrets;
