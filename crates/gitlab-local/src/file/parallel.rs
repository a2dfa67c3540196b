//! `parallel:`: one definition that becomes several jobs, named as GitLab names them.

use crate::file::values::text_list;
use crate::variables::Variable;
use crate::yaml::{Node, Value};

/// Jobs that one `parallel:` may make (`Entry::Product::Parallel`).
const MAX_INSTANCES: usize = 200;

/// Variables of one job of a matrix.
pub(crate) type Combination = Vec<(String, String)>;

/// One of the jobs that a definition becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    /// `job`, `job 1/3` or `job: [a, b]`.
    pub(crate) name: String,
    /// `CI_NODE_INDEX`, counted from 1, and `CI_NODE_TOTAL`. None without `parallel`.
    pub(crate) node: Option<(usize, usize)>,
    /// Of a matrix.
    pub(crate) variables: Combination,
}

/// The jobs that the definition `name` with this `parallel:` becomes (`Normalizer`).
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn instances(name: &str, parallel: Option<&Node>) -> Result<Vec<Instance>, String> {
    let Some(parallel) = parallel else {
        return Ok(vec![Instance {
            name: name.to_owned(),
            node: None,
            variables: Vec::new(),
        }]);
    };
    if let Some(matrix) = parallel.get("matrix") {
        let combinations = combinations(matrix)?;
        let total = combinations.len();
        let instance = |(index, variables): (usize, Combination)| Instance {
            name: matrix_name(name, &variables),
            node: Some((index + 1, total)),
            variables,
        };
        return Ok(combinations.into_iter().enumerate().map(instance).collect());
    }
    let total = match &parallel.value {
        Value::Number(total) => total.parse().ok(),
        _ => None,
    };
    match total {
        Some(total @ 1..=MAX_INSTANCES) => Ok((1..=total)
            .map(|index| Instance {
                name: format!("{name} {index}/{total}"),
                node: Some((index, total)),
                variables: Vec::new(),
            })
            .collect()),
        _ => Err("should be a number from 1 to 200, or have a `matrix`".to_owned()),
    }
}

/// The name of the instance of the job `group` that has these variables of a matrix (`MatrixStrategy#name`).
pub(super) fn matrix_name(group: &str, variables: &Combination) -> String {
    let values: Vec<_> = variables.iter().map(|(_, value)| value.as_str()).collect();
    format!("{group}: [{}]", values.join(", "))
}

/// The variables of each job of a matrix: of each of its maps, every value of each variable with all of the others.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn combinations(matrix: &Node) -> Result<Vec<Combination>, String> {
    let maps = matrix
        .as_list()
        .ok_or("matrix should be a list of hashes")?;
    let mut all = Vec::new();
    for map in maps {
        if map.as_map().is_none_or(|map| map.is_empty()) {
            return Err("matrix should be a list of hashes".to_owned());
        }
        let mut products: Vec<Combination> = vec![Vec::new()];
        for (key, values) in map.entries() {
            Variable::named(key, "").map_err(|error| format!("matrix is wrong: {error}"))?;
            let values =
                text_list(values).map_err(|fault| format!("matrix has {key}, which {fault}"))?;
            if values.is_empty() {
                return Err(format!("matrix has {key}, which has no values"));
            }
            if values.len().saturating_mul(products.len()) + all.len() > MAX_INSTANCES {
                return Err(format!(
                    "generates too many jobs (maximum is {MAX_INSTANCES})"
                ));
            }
            let with = |product: &Combination, value: &String| {
                let mut product = product.clone();
                product.push((key.to_owned(), value.clone()));
                product
            };
            let next = products.iter();
            products = next
                .flat_map(|product| values.iter().map(|value| with(product, value)))
                .collect();
        }
        all.append(&mut products);
    }
    match all.is_empty() {
        true => Err("matrix should be a list of hashes".to_owned()),
        false => Ok(all),
    }
}
