//! `artifacts:reports:dotenv`: a file whose lines become variables of later jobs, by GitLab's rules
//! (`Ci::ParseDotenvArtifactService`).

use crate::variables::Variable;

/// Largest file, in bytes: GitLab's default `dotenv_size`.
pub(crate) const LARGEST: u64 = 5 * 1024;

/// Most variables of a file: GitLab's default `dotenv_variables`. gitlab.com has more for those who pay.
const MOST_VARIABLES: usize = 20;

/// Reads the content of a file.
///
/// # Errors
///
/// With GitLab's reason to refuse it.
pub(crate) fn read(content: &[u8]) -> Result<Vec<Variable>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8")?;
    let mut variables: Vec<Variable> = Vec::new();
    for line in text.lines() {
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("Invalid Format: {line:?} has no `=`"))?;
        let variable = Variable::named(key.trim(), value.trim())
            .map_err(|error| format!("Invalid Format: {error}"))?;
        variables.retain(|known| known.key != variable.key);
        // GitLab gives these to a job as they are.
        variables.push(Variable {
            raw: true,
            ..variable
        });
    }
    if variables.len() > MOST_VARIABLES {
        return Err(format!(
            "Dotenv files cannot have more than {MOST_VARIABLES} variables, and it has {}",
            variables.len()
        ));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_variables() {
        let variables = read(b"A=1\n B = two words \r\nC=x=y\nD=\nA=$B").unwrap();
        let pairs: Vec<_> = variables
            .iter()
            .map(|v| (v.key.as_str(), v.value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("B", "two words"), ("C", "x=y"), ("D", ""), ("A", "$B")]
        );
        assert!(variables.iter().all(|variable| variable.raw));
        assert_eq!(read(b"").unwrap(), []);
    }

    #[test]
    fn what_gitlab_refuses_is_refused() {
        let many: String = (0..21).map(|n| format!("A{n}=1\n")).collect();
        for (content, reason) in [
            ("A\n", "has no `=`"),
            ("A=1\n\nB=2", "has no `=`"),
            ("# comment", "has no `=`"),
            ("a-b=1", "\"a-b\" is not a name for a variable"),
            (many.as_str(), "more than 20 variables, and it has 21"),
        ] {
            let error = read(content.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{content:?}: {error}");
        }
        assert_eq!(read(b"A=\xff").unwrap_err(), "it is not UTF-8");
    }
}
