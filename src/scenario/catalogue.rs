//! Images that every scenario knows.
//!
//! Sizes are compressed pull sizes of `linux/amd64` and start times are from the end of the pull to ready, both
//! as such images commonly show them: approximations, good enough to tell a small image from a large one. A
//! scenario that needs exact ones writes them under `images`.

use std::sync::Arc;

use crate::kernel::Distribution;
use crate::sim::setup::{Image, ImageBehaviour, Prints};

/// A service: name, bytes to pull, median seconds to start. The last are root file systems of virtual machines, those
/// with which Firecracker's own guides begin: they boot to a prompt and stay.
const SERVICES: &[(&str, u64, f64)] = &[
    ("nginx", 72_000_000, 0.5),
    ("httpd", 56_000_000, 0.5),
    ("caddy", 21_000_000, 0.4),
    ("traefik", 48_000_000, 0.8),
    ("postgres", 158_000_000, 3.0),
    ("mysql", 236_000_000, 8.0),
    ("mariadb", 116_000_000, 5.0),
    ("mongo", 290_000_000, 3.0),
    ("redis", 52_000_000, 0.4),
    ("memcached", 32_000_000, 0.3),
    ("rabbitmq", 110_000_000, 6.0),
    ("prom/prometheus", 110_000_000, 1.5),
    ("grafana/grafana", 170_000_000, 4.0),
    ("jupyter/base-notebook", 320_000_000, 4.0),
    ("vllm/vllm-openai", 8_900_000_000, 60.0),
    ("ollama/ollama", 1_600_000_000, 3.0),
    ("opensearchproject/opensearch", 880_000_000, 25.0),
    ("hello-rootfs.ext4", 31_500_000, 0.3),
    ("bionic.rootfs.ext4", 314_600_000, 1.2),
];

/// A task: name, bytes to pull, median seconds to start, median seconds to run, what it prints.
const TASKS: &[(&str, u64, f64, f64, &str)] = &[
    ("hello-world", 13_000, 0.3, 0.05, "Hello from Docker!"),
    ("alpine", 3_600_000, 0.3, 10.0, ""),
    ("busybox", 2_200_000, 0.3, 10.0, ""),
    ("ubuntu", 29_700_000, 0.4, 60.0, ""),
    ("debian", 48_500_000, 0.4, 60.0, ""),
    ("python:3.12-slim", 45_000_000, 0.5, 120.0, ""),
    ("python", 385_000_000, 0.6, 120.0, ""),
    ("node:22-slim", 75_000_000, 0.6, 120.0, ""),
    ("node", 390_000_000, 0.7, 120.0, ""),
    ("golang", 300_000_000, 0.6, 120.0, ""),
    ("rust", 530_000_000, 0.6, 300.0, ""),
    ("gcc", 480_000_000, 0.6, 300.0, ""),
    ("linuxserver/ffmpeg", 190_000_000, 0.6, 600.0, ""),
    ("tensorflow/tensorflow", 580_000_000, 2.0, 1800.0, ""),
    ("pytorch/pytorch", 3_200_000_000, 3.0, 1800.0, ""),
];

/// A kernel of a virtual machine: name, bytes to fetch, median seconds of the boot to user space. Firecracker's
/// specification promises at most 125 ms from the order to start up to `/sbin/init`, with its own minimal kernel.
const KERNELS: &[(&str, u64, f64)] = &[
    ("hello-vmlinux.bin", 21_400_000, 0.125),
    ("vmlinux-5.10.bin", 42_700_000, 0.125),
    ("vmlinux.bin", 21_400_000, 0.125),
];

/// The built-in images: services that never fail by themselves and fulfil every health check, then tasks that
/// succeed.
#[must_use]
pub fn images() -> Vec<Image> {
    let about = |median_s: f64, sigma| Distribution::Lognormal { mu: libm::log(median_s), sigma };
    let services = SERVICES.iter().map(|&(name, size_bytes, start_s)| {
        let service = ImageBehaviour::Service {
            fails_after: None,
            health: Arc::from(""),
            answers_after: None,
            prints: Prints::default(),
        };
        Image::new(name, size_bytes, about(start_s, 0.3), service)
    });
    let tasks = TASKS.iter().map(|&(name, size_bytes, start_s, run_s, output)| {
        let prints = Prints { output: Arc::from(output), ..Prints::default() };
        let task = ImageBehaviour::Task { run: about(run_s, 0.5), exit_code: 0, stalls: None, prints };
        Image::new(name, size_bytes, about(start_s, 0.3), task)
    });
    let kernels = KERNELS.iter().map(|&(name, size_bytes, boot_s)| {
        Image::new(name, size_bytes, about(boot_s, 0.1), ImageBehaviour::Kernel)
    });
    services.chain(tasks).chain(kernels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_find_their_image() {
        let images = crate::sim::images::Images::new(images());
        let name = |reference: &str| images.find(reference).map(|place| images.image(place).name.as_str());
        for (reference, found) in [
            ("nginx", Some("nginx")),
            ("nginx:1.27-alpine", Some("nginx")),
            ("python:3.12-slim", Some("python:3.12-slim")),
            ("python:3.13", Some("python")),
            ("pytorch/pytorch:2.4.0", Some("pytorch/pytorch")),
            ("pytorch", None),
            ("", None),
        ] {
            assert_eq!(name(reference), found, "{reference}");
        }
    }

    #[test]
    fn names_are_unique_and_behaviours_possible() {
        let images = images();
        let mut names: Vec<_> = images.iter().map(|image| &image.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), images.len());
        assert!(images.iter().all(|image| image.size_bytes > 0 && image.start.check().is_ok()));
    }
}
