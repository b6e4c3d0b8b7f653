//! Images that every scenario knows.
//!
//! Sizes are compressed pull sizes of `linux/amd64` and start times are from the end of the pull to ready, both
//! as such images commonly show them: approximations, good enough to tell a small image from a large one. A
//! scenario that needs exact ones writes them under `images`.

use std::sync::Arc;

use crate::kernel::Distribution;
use crate::sim::setup::{DataUse, Image, ImageBehaviour, Prints};

/// A service: name, bytes to pull, median seconds to start.
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

/// The built-in images: services that never fail by themselves and fulfil every health check, then tasks that
/// succeed.
#[must_use]
pub fn images() -> Vec<Image> {
    let about = |median_s: f64, sigma| Distribution::Lognormal { mu: libm::log(median_s), sigma };
    let services = SERVICES.iter().map(|&(name, size_bytes, start_s)| Image {
        name: name.to_owned(),
        size_bytes,
        start: about(start_s, 0.3),
        behaviour: ImageBehaviour::Service {
            fails_after: None,
            health: Arc::from(""),
            prints: Prints::default(),
        },
        survives: 0,
        data: DataUse::default(),
    });
    let tasks = TASKS.iter().map(|&(name, size_bytes, start_s, run_s, output)| Image {
        name: name.to_owned(),
        size_bytes,
        start: about(start_s, 0.3),
        behaviour: ImageBehaviour::Task {
            run: about(run_s, 0.5),
            exit_code: 0,
            prints: Prints { output: Arc::from(output), ..Prints::default() },
        },
        survives: 0,
        data: DataUse::default(),
    });
    services.chain(tasks).collect()
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
