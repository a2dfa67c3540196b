//! The content of one file: its document with the jobs, filled in with the inputs of its header.

use crate::file::lint::Lint;
use crate::file::problem::Problem;
use crate::file::rules::holds;
use crate::inputs::interpolated;
use crate::variables::Variables;
use crate::yaml::{Node, documents};

/// The document of the file `name` that has its jobs. `inputs` are those of an include, and `variables` those that a
/// function of a block may ask for.
///
/// # Errors
///
/// When it is no YAML or no map, or the header or an input is wrong.
pub(super) fn content(
    name: &str,
    text: &str,
    inputs: Option<&Node>,
    variables: &Variables,
) -> Result<Node, Problem> {
    let documents = documents(&name.into(), text).map_err(|error| Problem::InvalidYaml {
        place: error.at.to_string(),
        column: error.at.column,
        fault: error.fault,
    })?;
    let is_header = |document: &Node| {
        let map = document.as_map();
        map.is_some_and(|map| map.contains_key("spec"))
    };
    let content = match documents.as_slice() {
        [header, content, ..] if is_header(header) => {
            interpolated(header, content, inputs, variables, &holds).map_err(|error| {
                let advice = "Inputs are declared under `spec:inputs` before a line `---`; one without a `default` needs a value.";
                Lint::new(error.fault).at(&error.at).advise(advice)
            })?
        }
        [content, ..] => {
            if let Some(inputs) = inputs {
                let fault =
                    "Given inputs not defined in the `spec` section of the included configuration file";
                return Err(Lint::new(fault).at(&inputs.at).into());
            }
            content.clone()
        }
        [] => return Err(Problem::NoJobs),
    };
    match content.as_map() {
        Some(_) => Ok(content),
        None => Err(Lint::new(format!("{name}: Invalid configuration format"))
            .at(&content.at)
            .into()),
    }
}
