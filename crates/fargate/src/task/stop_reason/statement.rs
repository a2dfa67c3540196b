//! AWS's statements about a task's end, taken apart.

use crate::task::definition::other_names;
use crate::task::description::{Container, Task};
use crate::text::Wording;

/// The family of a statement: the word before its first colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Pull,
    Start,
    /// Preparing what containers need: secrets, logs, volumes.
    Initialization,
    Memory,
    /// The runtime of containers, or ECS itself.
    Runtime,
    /// Something that does not exist, as AWS's other services say it.
    NotFound,
    Volume,
    None,
}

/// A statement of AWS's about a task's end.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// The container that it speaks of, where that is known.
    pub(super) about: Option<&'a Container>,
    pub(super) family: Family,
    /// Its words, without the image's name.
    pub(super) wording: Wording,
}

impl<'a> Statement<'a> {
    /// The statements of a task: its own, and those of its containers.
    pub(super) fn all(task: &'a Task) -> Vec<Self> {
        let containers = task.containers.iter();
        let of_containers = containers
            .filter_map(|container| Some((Some(container), container.reason.as_deref()?)));
        let of_task = task
            .stopped_reason
            .iter()
            .map(|reason| (None, reason.as_str()));
        of_task
            .chain(of_containers)
            .map(|(container, text)| Self::new(task, container, text))
            .collect()
    }

    fn new(task: &'a Task, of: Option<&'a Container>, text: &str) -> Self {
        let about = container_named(task, of, text);
        let image = about.and_then(|container| container.image.as_deref());
        let words = match image {
            // An image may be called "not found".
            Some(image) => text.replace(image, ""),
            None => text.to_owned(),
        };
        Self {
            about,
            family: family(text),
            wording: Wording::of(&words),
        }
    }
}

/// The first family that a text names: the others are what led to it.
fn family(text: &str) -> Family {
    for word in text.split(": ") {
        let family = match word.trim() {
            "CannotPullContainerError"
            | "CannotPullECRContainerError"
            | "CannotPullImageManifestError" => Family::Pull,
            "CannotStartContainerError"
            | "CannotCreateContainerError"
            | "ContainerRuntimeError" => Family::Start,
            "ResourceInitializationError" => Family::Initialization,
            "OutOfMemoryError" => Family::Memory,
            "InternalError"
            | "ContainerRuntimeTimeoutError"
            | "DockerTimeoutError"
            | "CannotInspectContainerError"
            | "CannotStopContainerError" => Family::Runtime,
            "ResourceNotFoundException" => Family::NotFound,
            "CannotCreateVolumeError" => Family::Volume,
            "TaskFailedToStart" => continue,
            _ => return Family::None,
        };
        return family;
    }
    Family::None
}

/// The container that a text speaks of: the one whose image it names. The reason of one image's failed pull may stand
/// at every container.
fn container_named<'a>(
    task: &'a Task,
    of: Option<&'a Container>,
    text: &str,
) -> Option<&'a Container> {
    let words: Vec<&str> = text
        .split(|character: char| {
            character.is_whitespace() || "\"'`‘’“”(),;[]<>".contains(character)
        })
        .map(|word| word.trim_end_matches([':', '.']))
        .filter(|word| !word.is_empty())
        .collect();
    let names = |container: &&Container| {
        container
            .image
            .as_deref()
            .is_some_and(|image| is_named(image, &words))
    };
    of.filter(names)
        .or_else(|| task.containers.iter().find(names))
        .or(of)
}

/// Whether one of the words is the image's name, in whatever spelling.
fn is_named(image: &str, words: &[&str]) -> bool {
    let spellings = other_names(image);
    words.iter().any(|word| {
        let tagged = word.split_once('@').map_or(*word, |(name, _digest)| name);
        let plain = tagged.strip_suffix(":latest").unwrap_or(tagged);
        *word == image || spellings.iter().any(|name| name == tagged || name == plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(images: &[&str]) -> Task {
        let container = |image: &&str| Container {
            name: format!("of {image}"),
            image: Some((*image).to_owned()),
            ..Container::default()
        };
        Task {
            containers: images.iter().map(container).collect(),
            ..Task::default()
        }
    }

    #[test]
    fn the_first_word_is_the_family() {
        for (text, expected) in [
            ("CannotPullContainerError: x", Family::Pull),
            (
                "TaskFailedToStart: CannotPullContainerError: x",
                Family::Pull,
            ),
            (
                "CannotStartContainerError: ResourceInitializationError: x",
                Family::Start,
            ),
            (
                "ContainerRuntimeTimeoutError: Could not transition",
                Family::Runtime,
            ),
            ("no family: CannotPullContainerError: x", Family::None),
            ("", Family::None),
        ] {
            assert_eq!(family(text), expected, "{text}");
        }
    }

    #[test]
    fn a_statement_is_about_the_container_whose_image_it_names() {
        let task = task(&["ruby:3", "ruby:3.3", "acme/ruby:3", "redis"]);
        for (text, about) in [
            (
                "failed to resolve ref docker.io/library/ruby:3.3: docker.io/library/ruby:3.3: not found",
                Some("ruby:3.3"),
            ),
            (
                "failed to resolve ref docker.io/acme/ruby:3: not found",
                Some("acme/ruby:3"),
            ),
            ("The task cannot pull 'ruby:3'.", Some("ruby:3")),
            (
                "ref \"docker.io/library/redis:latest\": not found",
                Some("redis"),
            ),
            (
                "pull access denied for redis, repository does not exist",
                Some("redis"),
            ),
            ("ref docker.io/library/ruby:3.4: not found", None),
            ("context canceled", None),
        ] {
            let found = container_named(&task, None, text).and_then(|one| one.image.as_deref());
            assert_eq!(found, about, "{text}");
        }
        let own = task.containers.last();
        let of_another = container_named(&task, own, "ref docker.io/library/ruby:3: not found");
        assert_eq!(
            of_another.and_then(|one| one.image.as_deref()),
            Some("ruby:3")
        );
        assert_eq!(container_named(&task, own, "context canceled"), own);
    }
}
