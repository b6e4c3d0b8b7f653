//! Which image a reference means, by Docker's own rules.
//!
//! A reference is `[registry/]repository[:tag][@digest]`. Without a registry it is Docker Hub's, and a repository of
//! Docker Hub without a namespace is in `library`, so that `nginx` and `docker.io/library/nginx` are one (the
//! normalisation of `github.com/distribution/reference`). The first component is a registry if it has a dot, a colon
//! or a capital letter, or is `localhost`. A digest outweighs a tag, and no tag and no digest means `latest`.
//!
//! What the catalogue calls by its repository alone stands for every tag and digest of it.
//!
//! Kernels and file systems of virtual machines are named by their path, or by the name of the file wherever it is.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::setup::{Growth, Image, ImageBehaviour, Prints, Uses};
use crate::dms::actor::Output;
use crate::dms::ensemble::AllocationKind;
use crate::kernel::{Distribution, Span};

/// The registry of a reference that names none.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Another name of it.
const DEFAULT_REGISTRY_ALIAS: &str = "index.docker.io";
/// The namespace of a repository there that names none.
const DEFAULT_NAMESPACE: &str = "library";
const DEFAULT_TAG: &str = "latest";

/// A reference taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// Registry and repository in full.
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Reads a reference; none where a part of it is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is that of a registry's port.
        let (path, tag) = match named.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (named, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (DEFAULT_REGISTRY, path),
        };
        let empty = |part: &str| part.is_empty();
        if repository.split('/').any(empty) || tag.is_some_and(empty) || digest.is_some_and(empty) {
            return None;
        }
        let registry = if registry == DEFAULT_REGISTRY_ALIAS { DEFAULT_REGISTRY } else { registry };
        let name = if registry == DEFAULT_REGISTRY && !repository.contains('/') {
            format!("{registry}/{DEFAULT_NAMESPACE}/{repository}")
        } else {
            format!("{registry}/{repository}")
        };
        Some(Self { name, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }

    /// The name without what Docker adds by itself, tag and digest, as people write it.
    #[must_use]
    pub fn familiar_name(&self) -> &str {
        let hub = self.name.strip_prefix(DEFAULT_REGISTRY).and_then(|rest| rest.strip_prefix('/'));
        let library = hub.and_then(|hub| hub.strip_prefix(DEFAULT_NAMESPACE)?.strip_prefix('/'));
        // `docker.io/a.b/c` cannot be shortened: `a.b` alone would be a registry.
        let means_the_same = |short: &&str| Self::parse(short).is_some_and(|short| short.name == self.name);
        [library, hub].into_iter().flatten().find(means_the_same).unwrap_or(&self.name)
    }

    /// The key under which the catalogue holds what this names.
    fn key(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("{}@{digest}", self.name),
            (None, Some(tag)) => format!("{}:{tag}", self.name),
            (None, None) => self.name.clone(),
        }
    }

    /// Whether two references in a catalogue stand for the same.
    #[must_use]
    pub fn is_same_entry(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// The keys under which what this means may be, the best first.
    fn candidates(&self) -> impl Iterator<Item = String> {
        let tag = match (&self.tag, &self.digest) {
            (None, Some(_)) => None,
            (tag, _) => Some(format!("{}:{}", self.name, tag.as_deref().unwrap_or(DEFAULT_TAG))),
        };
        let digest = self.digest.as_ref().map(|digest| format!("{}@{digest}", self.name));
        digest.into_iter().chain(tag).chain([self.name.clone()])
    }
}

/// Whether the first component of a reference is a registry and not a namespace.
fn is_registry(component: &str) -> bool {
    component == "localhost" || component.contains(['.', ':']) || component.to_lowercase() != component
}

/// The images that exist in a run, by reference.
#[derive(Clone, Debug)]
pub struct Images {
    images: Vec<Image>,
    /// What programs of each print that print once, when the first of them has done so: it may be long.
    printed: Vec<OnceLock<Output>>,
    by_key: FxHashMap<String, u16>,
    by_path: FxHashMap<String, u16>,
    /// Those of the executor that runs nothing: of a task and of a service.
    null: [u16; 2],
}

impl Images {
    /// A catalogue; a later image replaces an earlier one of the same reference. One whose name is no reference is
    /// found by nobody.
    #[must_use]
    pub fn new(mut images: Vec<Image>) -> Self {
        let named = || images.iter().zip(0..);
        let by_key = named()
            .filter_map(|(image, number)| Some((Reference::parse(&image.name)?.key(), number)))
            .collect();
        let by_path = named().map(|(image, number)| (image.name.clone(), number)).collect();
        let first = images.len() as u16;
        images.extend(nothing());
        let printed = vec![OnceLock::new(); images.len()];
        Self { images, printed, by_key, by_path, null: [first, first + 1] }
    }

    /// The image that a reference means: of its digest, else of its tag, else of its repository.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<u16> {
        Reference::parse(reference)?.candidates().find_map(|key| self.by_key.get(&key).copied())
    }

    /// The kernel or file system of this path, else of this name.
    #[must_use]
    pub fn find_file(&self, path: &str) -> Option<u16> {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.by_path.get(path).or_else(|| self.by_path.get(name)).copied()
    }

    /// What runs where nothing does.
    #[must_use]
    pub const fn null(&self, kind: AllocationKind) -> u16 {
        match kind {
            AllocationKind::Task => self.null[0],
            AllocationKind::Service => self.null[1],
        }
    }

    /// An image.
    #[must_use]
    pub fn image(&self, number: u16) -> &Image {
        &self.images[usize::from(number)]
    }

    /// What a program of an image has printed that has run for so long.
    #[must_use]
    pub fn printed(&self, number: u16, ran: Span) -> Output {
        let Some(prints) = self.image(number).behaviour.prints() else { return Output::default() };
        match prints.every {
            Some(_) => prints.output_after(ran),
            None => self.printed[usize::from(number)].get_or_init(|| prints.output_after(ran)).clone(),
        }
    }
}

/// What the executor `null` runs: a task that has ended well, and a service that is just there. Both use nothing.
fn nothing() -> [Image; 2] {
    let at_once = Distribution::Constant { value_s: 0.0 };
    let task = ImageBehaviour::Task { run: at_once, exit_code: 0, stalls: None, prints: Prints::default() };
    let service = ImageBehaviour::Service {
        fails_after: None,
        health: std::sync::Arc::default(),
        answers_after: None,
        prints: Prints::default(),
    };
    let none = Growth { bytes: 0, grows: None };
    let uses = Uses { cores_milli: Some(0), ram: Some(none), disk: None };
    [task, service].map(|behaviour| Image { uses, ..Image::new("", 0, at_once, behaviour) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn catalogue(names: &[&str]) -> Images {
        let service = ImageBehaviour::Service {
            fails_after: None,
            health: Arc::default(),
            answers_after: None,
            prints: Prints::default(),
        };
        let start = Distribution::Constant { value_s: 1.0 };
        let image = |name: &&str| Image::new(*name, 1, start, service.clone());
        Images::new(names.iter().map(image).collect())
    }

    #[test]
    fn what_docker_adds_by_itself_makes_no_difference() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for written in ["nginx", "library/nginx", "docker.io/nginx", "index.docker.io/library/nginx"] {
            let images = catalogue(&[written]);
            for asked in [
                "nginx",
                "nginx:1.25",
                "library/nginx:latest",
                "docker.io/library/nginx",
                &format!("docker.io/library/nginx:1.25@{digest}"),
                &format!("nginx@{digest}"),
            ] {
                assert_eq!(images.find(asked), Some(0), "{asked} in a catalogue with {written}");
            }
            for other in ["nginx2", "me/nginx", "localhost/nginx", "quay.io/nginx", "Me/nginx", "nginx/nginx"]
            {
                assert_eq!(images.find(other), None, "{other} in a catalogue with {written}");
            }
        }
    }

    #[test]
    fn the_closest_entry_counts() {
        let images = catalogue(&["app", "app:2", "app@sha256:aa", "localhost:5000/app", "only:latest"]);
        for (asked, found) in [
            ("app", Some(0)),
            ("app:1", Some(0)),
            ("app:2", Some(1)),
            ("app:2@sha256:bb", Some(1)),
            ("app:2@sha256:aa", Some(2)),
            ("app@sha256:bb", Some(0)),
            ("localhost:5000/app:7", Some(3)),
            ("localhost:5001/app:7", None),
            ("only", Some(4)),
            ("only:latest", Some(4)),
            ("only:3", None),
            ("only@sha256:aa", None),
        ] {
            assert_eq!(images.find(asked), found, "{asked}");
        }
    }

    #[test]
    fn files_are_found_by_path_or_by_name() {
        let images = catalogue(&["/srv/vmlinux", "vmlinux", "/srv/root.ext4"]);
        for (path, found) in [
            ("/srv/vmlinux", Some(0)),
            ("/opt/vmlinux", Some(1)),
            ("vmlinux", Some(1)),
            ("/srv/root.ext4", Some(2)),
            ("root.ext4", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(images.find_file(path), found, "{path}");
        }
    }

    #[test]
    fn what_is_no_reference_means_nothing() {
        let images = catalogue(&["app", "", "x:"]);
        for text in ["", ":", "app:", "app@", "/app", "app/", "quay.io/", "a//b", "@sha256:aa"] {
            assert_eq!(images.find(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_shortened_as_people_write_them() {
        for (text, name) in [
            ("docker.io/library/nginx:1.25", "nginx"),
            ("prom/prometheus:v3@sha256:00", "prom/prometheus"),
            ("localhost:5000/redis:7@sha256:00", "localhost:5000/redis"),
        ] {
            assert_eq!(Reference::parse(text).as_ref().map(Reference::familiar_name), Some(name), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_familiar_name_means_the_same(
            text in "([a-z.:]{1,6}/)?[a-z]{1,4}(/[a-z]{1,4})?(:[a-z0-9]{1,3})?(@[a-z0-9:]{1,6})?"
        ) {
            if let Some(reference) = Reference::parse(&text) {
                let again = Reference::parse(reference.familiar_name()).map(|again| again.name);
                prop_assert_eq!(again, Some(reference.name));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = catalogue(&[&text]).find(&text);
        }
    }
}
