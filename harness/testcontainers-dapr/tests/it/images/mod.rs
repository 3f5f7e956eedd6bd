mod control_plane;
mod help;
mod sidecar;
