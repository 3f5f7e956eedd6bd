use std::collections::HashMap;
use std::path::Path;

use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::{AccessMode, Healthcheck, IntoContainerPort, Mount as EngineMount};
use testcontainers::{ContainerRequest, GenericImage, ImageExt};

use super::names::{Names, SERVICE_LABEL};
use crate::provider::{Limits, Mount, OneShot, Package, RunAs, ServiceId, ServiceSpec};

const LOOPBACK: &str = "127.0.0.1";
const SCRATCH: &str = "/tmp";
/// Libraries unpack themselves there and are loaded from it (Kafka's codecs); the rest of the root file system
/// is read-only. What is in it counts towards the memory limit.
const SCRATCH_OPTIONS: &str = "rw,exec,nosuid,nodev,mode=1777,size=64m";
const USERS: &str = "/etc/passwd";

/// What a container is made of, whether it serves or does one thing and ends.
pub(super) struct Plan<'a> {
    pub(super) service: ServiceId,
    pub(super) package: &'a Package,
    pub(super) program: String,
    pub(super) args: &'a [String],
    pub(super) env: &'a [(String, String)],
    pub(super) working_dir: String,
    pub(super) run_as: Option<RunAs>,
}

impl<'a> Plan<'a> {
    pub(super) fn of_service(spec: &'a ServiceSpec, package: &'a Package) -> Self {
        Self {
            service: spec.id.clone(),
            package,
            program: spec.program.display().to_string(),
            args: &spec.args,
            env: &spec.env,
            working_dir: spec.working_dir.display().to_string(),
            run_as: spec.run_as,
        }
    }

    pub(super) fn of_shot(shot: &'a OneShot, package: &'a Package, service: ServiceId) -> Self {
        Self {
            service,
            package,
            program: shot.program.display().to_string(),
            args: &shot.args,
            env: &shot.env,
            working_dir: shot.working_dir.display().to_string(),
            run_as: shot.run_as,
        }
    }

    /// The request to testcontainers. `users` is put in the place of the image's list of them. The image's own entrypoint is passed over: plans name the program
    /// themselves, so that it is the same on every provider.
    pub(super) fn request(&self, names: &Names, users: &Path) -> ContainerRequest<GenericImage> {
        let (name, tag) = name_and_tag(&self.package.image);
        let mut image = GenericImage::new(name, tag).with_entrypoint(&self.program);
        for port in &self.package.ports {
            image = image.with_exposed_port((*port).tcp());
        }
        let (ports, limits) = (self.package.ports.clone(), self.package.limits);
        let mut request = image
            .with_cmd(self.args.iter().cloned())
            .with_container_name(names.container(&self.service))
            .with_network(names.network())
            .with_labels(names.labels())
            .with_label(SERVICE_LABEL, self.service.as_str())
            .with_working_dir(&self.working_dir)
            .with_readonly_rootfs(true)
            .with_cap_drop("ALL")
            .with_security_opt("no-new-privileges")
            // The image's own would run a program in each container every few seconds, in the midst of what
            // is measured. The plan says how readiness is asked.
            .with_health_check(Healthcheck::none())
            .with_mount(
                EngineMount::bind_mount(users.display().to_string(), USERS)
                    .with_access_mode(AccessMode::ReadOnly),
            )
            .with_host_config_modifier(move |host| {
                host.tmpfs = Some(HashMap::from([(
                    SCRATCH.to_owned(),
                    SCRATCH_OPTIONS.to_owned(),
                )]));
                publish(host, &ports);
                limit(host, limits);
            });
        if let Some(RunAs { uid, gid }) = self.run_as {
            request = request.with_user(format!("{uid}:{gid}"));
        }
        for Mount { path, writable } in &self.package.mounts {
            let path = path.display().to_string();
            let access = if *writable {
                AccessMode::ReadWrite
            } else {
                AccessMode::ReadOnly
            };
            request =
                request.with_mount(EngineMount::bind_mount(&path, &path).with_access_mode(access));
        }
        for (name, value) in self.env {
            request = request.with_env_var(name, value);
        }
        request
    }
}

/// Fixed ports, or the engine would choose others at each start. Testcontainers publishes on every
/// interface unless it is told otherwise.
fn publish(host: &mut HostConfig, ports: &[u16]) {
    let binding = |port: &u16| {
        let here = PortBinding {
            host_ip: Some(LOOPBACK.to_owned()),
            host_port: Some(port.to_string()),
        };
        (format!("{port}/tcp"), Some(vec![here]))
    };
    host.publish_all_ports = Some(false);
    host.port_bindings = Some(ports.iter().map(binding).collect::<HashMap<_, _>>());
}

/// Memory and swap together have the one limit: swapping would hide that it was reached.
fn limit(host: &mut HostConfig, limits: Limits) {
    let bytes = i64::try_from(limits.memory_bytes).unwrap_or(i64::MAX);
    host.memory = Some(bytes);
    host.memory_swap = Some(bytes);
    host.nano_cpus = limits.cpus.map(nano_cpus);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a number of cores is small, and what is below a billionth of one does not matter"
)]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}

/// `name:tag`, and `sha256:…` and `name@sha256:…` alike, are put together again from these two.
fn name_and_tag(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        // Of a registry's port and a name without a tag.
        Some((_, tag)) if tag.contains('/') => (reference, "latest"),
        Some((name, tag)) => (name, tag),
        None => (reference, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_together_again() {
        for reference in [
            "postgres:17.6",
            "sha256:0a1b",
            "a/b@sha256:0a1b",
            "host:5000/a:1",
        ] {
            let (name, tag) = name_and_tag(reference);
            assert_eq!(format!("{name}:{tag}"), reference);
        }
        assert_eq!(name_and_tag("redis"), ("redis", "latest"));
        assert_eq!(
            name_and_tag("host:5000/redis"),
            ("host:5000/redis", "latest")
        );
    }

    #[test]
    fn planted_default_of_publishing_everywhere_is_undone() {
        let mut host = HostConfig {
            publish_all_ports: Some(true),
            ..HostConfig::default()
        };
        publish(&mut host, &[20_001]);
        assert_eq!(host.publish_all_ports, Some(false));
        let bindings = host.port_bindings.unwrap();
        let binding = bindings["20001/tcp"].as_ref().unwrap();
        assert_eq!(binding[0].host_ip.as_deref(), Some(LOOPBACK));
        assert_eq!(binding[0].host_port.as_deref(), Some("20001"));
    }

    #[test]
    fn limits_are_in_the_engines_units() {
        let mut host = HostConfig::default();
        let limits = Limits {
            memory_bytes: 64 << 20,
            cpus: Some(0.5),
        };
        limit(&mut host, limits);
        assert_eq!(host.memory, Some(67_108_864));
        assert_eq!(host.memory_swap, host.memory);
        assert_eq!(host.nano_cpus, Some(500_000_000));
    }
}
