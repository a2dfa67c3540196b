//! The values of a job's variables as GitLab sends them (`Ci::BuildRunnerPresenter#runner_variables`).

use std::collections::{HashMap, HashSet};

use gitlab_variables::gitlab;

use crate::variables::{MAX_EXPANDED_BYTES, Variable, Variables, VariablesError};

/// Bytes that all values together may become. GitLab has no such limit.
const MAX_TOTAL_BYTES: usize = 16 << 20;

/// A variable on the way to its value: those that it refers to come first.
struct Step<'a> {
    place: usize,
    /// Variables that must be complete before, the next one last.
    before: Vec<usize>,
    variable: &'a Variable,
}

impl Variables {
    /// These variables with their references to each other replaced. Unknown names stay for the runner, and so do
    /// references to variables that are not expanded.
    ///
    /// # Errors
    ///
    /// When they refer to each other in a circle, or grow too large.
    pub(crate) fn completed(&self) -> Result<Self, VariablesError> {
        let places = self.places();
        let mut complete = Self::default();
        let mut total = 0;
        let (mut open, mut done) = (HashSet::new(), HashSet::new());
        let mut steps: Vec<Step<'_>> = Vec::new();
        let step = |(place, variable)| Step {
            place,
            before: before(place, variable, &places),
            variable,
        };
        for first in 0..self.all.len() {
            let mut next = Some(first);
            loop {
                let variable = next.and_then(|place| Some((place, self.all.get(place)?)));
                if let Some(unknown) = variable.filter(|(place, _)| !done.contains(place)) {
                    if !open.insert(unknown.0) {
                        return Err(circle(&steps, unknown.0));
                    }
                    steps.push(step(unknown));
                }
                let Some(last) = steps.last_mut() else {
                    break;
                };
                next = last.before.pop();
                if next.is_none() {
                    let variable = complete.complete(last.variable, &mut total)?;
                    complete.extend([variable]);
                    done.insert(last.place);
                    steps.pop();
                }
            }
        }
        Ok(complete)
    }

    /// The places of each name.
    fn places(&self) -> HashMap<&str, Vec<usize>> {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, variable) in self.all.iter().enumerate() {
            places.entry(&variable.key).or_default().push(place);
        }
        places
    }

    /// A variable with its value, which refers to none of these variables any more.
    fn complete(&self, variable: &Variable, total: &mut usize) -> Result<Variable, VariablesError> {
        let mut left = MAX_EXPANDED_BYTES.min(MAX_TOTAL_BYTES.saturating_sub(*total));
        let mut fits = true;
        let value = match variable.raw {
            true => variable.value.clone(),
            false => gitlab::expand_value(&variable.value, |name| {
                let known = self.get(name).filter(|known| !known.raw)?;
                fits &= left >= known.value.len();
                left = left.saturating_sub(known.value.len());
                fits.then(|| known.value.clone())
            }),
        };
        *total += value.len();
        match fits {
            true => Ok(Variable {
                value,
                ..variable.clone()
            }),
            false => Err(VariablesError::TooLarge(variable.key.clone())),
        }
    }
}

/// The names between a variable and a reference back to it.
fn circle(steps: &[Step<'_>], place: usize) -> VariablesError {
    let circle = steps.iter().skip_while(|step| step.place != place);
    VariablesError::Circular(circle.map(|step| step.variable.key.clone()).collect())
}

/// The places of the variables to which one refers, without its own; the first to complete comes last.
fn before(place: usize, variable: &Variable, places: &HashMap<&str, Vec<usize>>) -> Vec<usize> {
    let mut before = Vec::new();
    if !variable.raw {
        gitlab::expand_value(&variable.value, |name| {
            before.extend(places.get(name).into_iter().flatten().copied());
            None
        });
    }
    before.retain(|other| *other != place);
    before.reverse();
    before
}
