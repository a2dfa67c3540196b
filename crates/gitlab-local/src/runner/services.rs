//! `CI_JOB_SERVICES`: the services of a job as the driver gets them.

use serde_json::{Value, json};

use crate::file::ImageEntry;
use crate::variables::{Variable, Variables};

/// The variable's value: empty without services, else a compact array. `job` are the job's variables.
pub(crate) fn services_variable(services: &[ImageEntry], job: &Variables) -> String {
    match services {
        [] => String::new(),
        services => {
            let services = services.iter().map(|service| service_json(service, job));
            Value::Array(services.collect()).to_string()
        }
    }
}

fn service_json(service: &ImageEntry, job: &Variables) -> Value {
    let mut aliases = service.alias.split([',', ' ']);
    let first_alias = aliases.find(|alias| !alias.is_empty()).unwrap_or_default();
    let mut json = json!({
        "name": service.name,
        "alias": first_alias,
        "entrypoint": service.entrypoint,
        "command": service.command,
    });
    if let (Some(fields), false) = (json.as_object_mut(), service.variables.is_empty()) {
        fields.insert("variables".to_owned(), variables_json(service, job));
    }
    json
}

/// The service's own variables. References are replaced once, by their values and the job's as they are.
fn variables_json(service: &ImageEntry, job: &Variables) -> Value {
    let mut known = job.clone();
    known.extend(service.variables.iter().cloned());
    let value = |variable: &Variable| match variable.raw {
        true => variable.value.clone(),
        false => known.expand_by_runner(&variable.value),
    };
    let variables = service.variables.iter();
    let variables =
        variables.map(|variable| (variable.key.clone(), Value::String(value(variable))));
    Value::Object(variables.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::JobDefinition;

    const FILE: &str = "
job:
  services:
    - name: postgres:16
      alias: 'db, pg'
      command: [postgres, -c, fsync=off]
      variables: {POSTGRES_DB: shop, URL: '$NAME/$POSTGRES_DB'}
    - redis
  script: [a]
";

    #[test]
    fn services_are_expanded_for_the_driver() {
        let job = JobDefinition::parse(FILE, None).unwrap();
        let mut all = Variables::default();
        all.put("NAME", "db");
        assert_eq!(services_variable(&[], &all), "");
        let services: Value =
            serde_json::from_str(&services_variable(&job.services, &all)).unwrap();
        assert_eq!(
            services,
            json!([
                {"name": "postgres:16", "alias": "db", "entrypoint": null, "command": ["postgres", "-c", "fsync=off"],
                 "variables": {"POSTGRES_DB": "shop", "URL": "db/shop"}},
                {"name": "redis", "alias": "", "entrypoint": null, "command": null},
            ])
        );
    }
}
