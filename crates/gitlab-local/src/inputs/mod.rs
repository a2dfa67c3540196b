//! Inputs of a configuration file: what its `spec:` header declares, the values that they get, and the blocks
//! `$[[ inputs.name ]]` of its content that the values replace.
//!
//! The rules and the words of errors are those of `Gitlab::Ci::Config::Interpolation`.

mod access;
mod block;
mod declaration;
mod error;
mod functions;
mod printed;
mod replacement;
mod rules;
mod value;

#[cfg(test)]
mod tests;

use crate::inputs::block::Context;
use crate::inputs::declaration::declarations;
use crate::inputs::error::InputError;
use crate::inputs::replacement::replaced;
use crate::inputs::value::values;
use crate::variables::Variables;
use crate::yaml::Node;

pub(crate) use crate::inputs::rules::Condition;

/// `content` with the inputs that `header` declares. `given` is the map `inputs:` of an include, which wins over the
/// defaults. `variables` are those that `expand_vars` knows, and `holds` decides the rules of inputs.
///
/// # Errors
///
/// When the header is wrong, an input has no value or a wrong one, or a block names what is not there.
pub(crate) fn interpolated(
    header: &Node,
    content: &Node,
    given: Option<&Node>,
    variables: &Variables,
    holds: Condition<'_>,
) -> Result<Node, InputError> {
    let declarations = declarations(header)?;
    let inputs = values(&declarations, given, holds)?;
    let context = Context {
        inputs: &inputs,
        variables,
    };
    replaced(content, &context)
}
