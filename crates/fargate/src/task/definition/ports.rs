//! The ports that services listen on, so that the job's script can wait for them.

use std::collections::BTreeMap;

use super::reference::path_and_tag;

/// Variable with the ports that a service listens on (GitLab: Docker and Kubernetes executors).
pub(super) const PORT_VARIABLE: &str = "HEALTHCHECK_TCP_PORT";

/// The ports of well-known images: those that their makers' pages and Dockerfiles (`EXPOSE`) name for clients. An image
/// is known by the end of its path, so copies in other registries are, too.
const WELL_KNOWN: [(u16, &str); 24] = [
    (5432, "postgres postgresql postgis pgvector timescaledb"),
    (3306, "mysql mysql-server mariadb percona percona-server"),
    (
        6379,
        "redis redis-stack redis-stack-server valkey keydb dragonfly",
    ),
    (27017, "mongo mongodb mongodb-community-server"),
    (5672, "rabbitmq"),
    (9200, "elasticsearch opensearch"),
    (11211, "memcached"),
    (9092, "kafka kafka-native cp-kafka redpanda"),
    (2181, "zookeeper cp-zookeeper"),
    (4222, "nats"),
    (9000, "minio"),
    (4566, "localstack localstack-pro"),
    (
        4444,
        "selenium/hub standalone-chrome standalone-chromium standalone-edge standalone-firefox",
    ),
    (8123, "clickhouse clickhouse-server"),
    (9042, "cassandra scylla"),
    (7687, "neo4j"),
    (5984, "couchdb"),
    (8086, "influxdb"),
    (1433, "mssql/server"),
    (8200, "hashicorp/vault"),
    (8500, "hashicorp/consul"),
    (1025, "mailhog mailpit"),
    (8080, "wiremock"),
    (80, "nginx httpd"),
];

/// The ports of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) numbers: Vec<u16>,
    /// Whether the job's author named them.
    pub(super) declared: bool,
}

impl Ports {
    /// The ports in a service's own variables, else the one of its well-known image. The variable's name may have any
    /// case. An empty one says that the service listens on none.
    ///
    /// # Errors
    ///
    /// The variable's value when it holds something else than ports.
    pub(super) fn new(image: &str, variables: &BTreeMap<String, String>) -> Result<Self, String> {
        let given = variables
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(PORT_VARIABLE));
        let Some((_, value)) = given else {
            return Ok(Self {
                numbers: well_known(image).into_iter().collect(),
                declared: false,
            });
        };
        let ports = value.split([',', ' ']).filter(|port| !port.is_empty());
        let numbers = ports.map(|port| match port.parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(value.clone()),
        });
        Ok(Self {
            numbers: numbers.collect::<Result<_, _>>()?,
            declared: true,
        })
    }
}

/// The port of a well-known image.
fn well_known(image: &str) -> Option<u16> {
    let (path, _) = path_and_tag(image);
    let is_image = |name: &str| {
        let before = path.strip_suffix(name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let known = WELL_KNOWN
        .iter()
        .find(|(_, names)| names.split(' ').any(is_image));
    known.map(|(port, _)| *port)
}

/// Whether the image is Docker's daemon, which needs a privileged container: `docker:dind`, `docker:27-dind-rootless`.
pub(super) fn is_docker_daemon(image: &str) -> bool {
    let (path, tag) = path_and_tag(image);
    path.rsplit('/').next() == Some("docker") && tag.is_some_and(|tag| tag.contains("dind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_images_are_known_under_every_registry() {
        for (image, port) in [
            ("postgres", Some(5432)),
            ("postgres:16-alpine", Some(5432)),
            ("docker.io/library/postgres@sha256:00", Some(5432)),
            (
                "registry.example.com:5000/mirror/postgis/postgis:16",
                Some(5432),
            ),
            (
                "111122223333.dkr.ecr.us-east-2.amazonaws.com/docker-hub/library/mysql:8",
                Some(3306),
            ),
            ("mariadb:11", Some(3306)),
            ("redis:7", Some(6379)),
            ("valkey/valkey:8", Some(6379)),
            ("mongo", Some(27017)),
            ("rabbitmq:3-management", Some(5672)),
            (
                "docker.elastic.co/elasticsearch/elasticsearch:8.15.0",
                Some(9200),
            ),
            ("opensearchproject/opensearch:2", Some(9200)),
            ("memcached", Some(11211)),
            ("apache/kafka:3.8.0", Some(9092)),
            ("nats:2", Some(4222)),
            ("minio/minio", Some(9000)),
            ("localstack/localstack:3", Some(4566)),
            ("selenium/standalone-chrome:4", Some(4444)),
            ("selenium/hub:4", Some(4444)),
            ("clickhouse/clickhouse-server:24", Some(8123)),
            ("mcr.microsoft.com/mssql/server:2022-latest", Some(1433)),
            ("example.com/server", None),
            ("example.com/hub", None),
            ("example.com/my-postgres", None),
            ("postgres-exporter", None),
            ("postgres.example.com/app", None),
            ("debian:12", None),
        ] {
            assert_eq!(well_known(image), port, "{image}");
        }
        let names = WELL_KNOWN.iter().flat_map(|(_, names)| names.split(' '));
        let mut names: Vec<_> = names.collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a name has two ports");
    }

    #[test]
    fn the_documentation_has_the_table() {
        let text = include_str!("../../../../../docs/job-images.md");
        let (_, section) = text.split_once("### Well-known ports\n").unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| "));
        // After the table's head; other tables follow in other sections.
        let rows: Vec<_> = rows.skip(1).take(WELL_KNOWN.len()).collect();
        let known = WELL_KNOWN.iter().map(|(port, names)| {
            let names: Vec<_> = names.split(' ').map(|name| format!("`{name}`")).collect();
            format!("| {port} | {} |", names.join(", "))
        });
        assert_eq!(rows, known.collect::<Vec<_>>());
    }

    #[test]
    fn a_variable_wins_over_what_is_well_known() {
        let ports = |value: Option<&str>| {
            let variables =
                value.map(|value| ("Healthcheck_TCP_port".to_owned(), value.to_owned()));
            Ports::new("postgres", &variables.into_iter().collect())
        };
        let declared = |numbers: &[u16]| {
            Ok(Ports {
                numbers: numbers.to_vec(),
                declared: true,
            })
        };
        assert_eq!(ports(Some("5433, 80")), declared(&[5433, 80]));
        assert_eq!(ports(Some("")), declared(&[]));
        for value in ["0", "a", "1,65536"] {
            assert_eq!(ports(Some(value)), Err(value.to_owned()));
        }
        let known = ports(None).unwrap();
        assert_eq!((known.numbers, known.declared), (vec![5432], false));
    }

    #[test]
    fn dockers_daemon_is_told_from_its_client() {
        for (image, is_daemon) in [
            ("docker:dind", true),
            ("docker:27.3-dind", true),
            ("docker:dind-rootless", true),
            ("docker.io/library/docker:27-dind@sha256:00", true),
            (
                "gitlab.example.com:443/group/dependency_proxy/containers/docker:24-dind-alpine",
                true,
            ),
            ("docker:27-cli", false),
            ("docker", false),
            ("dind:1", false),
            ("docker/dind-images:1", false),
            ("example.com/not-docker:dind", false),
        ] {
            assert_eq!(is_docker_daemon(image), is_daemon, "{image}");
        }
    }
}
