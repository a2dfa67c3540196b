//! What a block names: `inputs.name`, an item of a list, or a key of a map within it
//! (`Gitlab::Ci::Config::Interpolation::Access`).

use indexmap::IndexMap;

use crate::yaml::Value;

/// Values by the names of inputs.
pub(super) type Inputs<'a> = IndexMap<&'a str, Value>;

/// Parts between dots.
const MAX_SEGMENTS: usize = 5;

/// Numbers in square brackets after one name.
const MAX_INDICES: usize = 5;

/// Bytes of what a block begins with, before its functions.
const MAX_BYTES: usize = 1024;

/// The value that `access` names.
///
/// # Errors
///
/// In GitLab's words, when it names what is not there.
pub(super) fn accessed<'a>(access: &str, inputs: &'a Inputs<'_>) -> Result<&'a Value, String> {
    if access.len() > MAX_BYTES {
        return Err("maximum interpolation expression size exceeded".to_owned());
    }
    let mut segments = access.splitn(MAX_SEGMENTS, '.');
    let root = segments.next().unwrap_or_default();
    let Some(first) = segments.next() else {
        let fault = "invalid pattern used for interpolation. valid pattern is $[[ inputs.input ]]";
        return Err(fault.to_owned());
    };
    if root != "inputs" {
        let advice = match root {
            "component" => " (only GitLab knows the facts of a component; write the value instead)",
            _ => "",
        };
        return Err(format!("{}{advice}", unknown(root, access)));
    }
    let (name, indices) = parts(first, access)?;
    let value = inputs.get(name).ok_or_else(|| unknown(name, access))?;
    let mut value = indexed(value, &indices, access)?;
    for segment in segments {
        let (name, indices) = parts(segment, access)?;
        let entry = match value {
            Value::Map(map) => map.get(name),
            _ => None,
        };
        let entry = entry.ok_or_else(|| unknown(name, access))?;
        value = indexed(&entry.value, &indices, access)?;
    }
    Ok(value)
}

fn unknown(name: &str, access: &str) -> String {
    format!("unknown interpolation provided: `{name}` in `{access}`")
}

/// The name of a segment, and the numbers after it: `name[1][0]`.
fn parts<'a>(segment: &'a str, access: &str) -> Result<(&'a str, Vec<usize>), String> {
    let Some((name, brackets)) = segment
        .find('[')
        .and_then(|start| segment.split_at_checked(start))
    else {
        return Ok((segment, Vec::new()));
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let indices = indices(brackets).filter(|_| name.chars().all(is_word));
    let indices = indices.ok_or_else(|| wrong_index(segment, access))?;
    if name.is_empty() {
        return Err(format!(
            "invalid indexed access without a key in `{access}`"
        ));
    }
    if indices.len() > MAX_INDICES {
        return Err(format!(
            "too many array indices in `{access}` (maximum depth: {MAX_INDICES})"
        ));
    }
    Ok((name, indices))
}

/// The numbers of `[1][0]`.
fn indices(brackets: &str) -> Option<Vec<usize>> {
    let inside = brackets.strip_prefix('[')?.strip_suffix(']')?;
    let index = |text: &str| is_number(text).then(|| text.parse().unwrap_or(usize::MAX));
    inside.split("][").map(index).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn wrong_index(segment: &str, access: &str) -> String {
    if segment.matches('[').count() != segment.matches(']').count() {
        return format!("invalid array index in `{access}`: missing closing bracket");
    }
    let contents = segment
        .split('[')
        .skip(1)
        .filter_map(|after| after.split_once(']'));
    let wrong = contents
        .map(|(content, _)| content)
        .find(|content| !is_number(content));
    match wrong {
        Some(wrong) => {
            format!("invalid array index in `{access}`: `{wrong}` is not a valid index")
        }
        None => format!("invalid array index syntax in `{access}`"),
    }
}

fn indexed<'a>(value: &'a Value, indices: &[usize], access: &str) -> Result<&'a Value, String> {
    indices.iter().try_fold(value, |value, index| {
        let Value::List(items) = value else {
            return Err(format!(
                "cannot index into non-array value at [{index}] in `{access}`"
            ));
        };
        let item = items.get(*index).ok_or_else(|| {
            let size = items.len();
            format!("array index {index} out of bounds (size: {size}) in `{access}`")
        })?;
        Ok(&item.value)
    })
}
