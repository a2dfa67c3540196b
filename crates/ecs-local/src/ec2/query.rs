//! Parameters of a Query request: names with numbered lists in them, `SubnetId.1`, `Filter.1.Value.2`.

use crate::error::ApiError;

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

/// A filter: a name, and values of which one has to match.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// The range EC2 allows for `MaxResults`.
const RESULTS: std::ops::RangeInclusive<usize> = 5..=1000;

impl Query {
    /// Reads a form body or a query string.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text)
            .map(|(name, value)| (name.into_owned(), value.into_owned()));
        Self(pairs.collect())
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    /// The values of `NAME.1`, `NAME.2`, and so on, in the order of their numbers.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<(u32, &str)> = Vec::new();
        for (have, value) in &self.0 {
            let number = have
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|number| number.parse().ok());
            if let Some(number) = number {
                found.push((number, value));
            }
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// The filters. EC2 knows those of `known`, and `tag:` filters.
    pub(super) fn filters(&self, known: &[&str]) -> Result<Vec<Filter>, ApiError> {
        let mut filters = Vec::new();
        for (name, value) in &self.0 {
            let Some(number) = name
                .strip_prefix("Filter.")
                .and_then(|rest| rest.strip_suffix(".Name"))
            else {
                continue;
            };
            if !known.contains(&value.as_str()) && !value.starts_with("tag:") {
                return Err(ApiError::new(
                    400,
                    "InvalidParameterValue",
                    format!("The filter '{value}' is invalid"),
                ));
            }
            let values = self.list(&format!("Filter.{number}.Value"));
            filters.push(Filter {
                name: value.clone(),
                values: values.into_iter().map(str::to_owned).collect(),
            });
        }
        Ok(filters)
    }

    /// The requested page of `items`, and the token of the next page. EC2 does not page a list of IDs.
    pub(super) fn page<T>(
        &self,
        mut items: Vec<T>,
        by_id: bool,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let invalid = |message: String| ApiError::new(400, "InvalidParameterValue", message);
        let Some(most) = self.get("MaxResults") else {
            return Ok((items, None));
        };
        if by_id {
            let message = "The parameter MaxResults cannot be used together with a list of IDs";
            return Err(ApiError::new(400, "InvalidParameterCombination", message));
        }
        let most = most
            .parse()
            .ok()
            .filter(|most| RESULTS.contains(most))
            .ok_or_else(|| invalid(format!("Value ( {most} ) for parameter MaxResults is invalid. Expecting a value from 5 to 1000.")))?;
        let start: usize = match self.get("NextToken") {
            None | Some("") => 0,
            Some(token) => token
                .strip_prefix("from-")
                .and_then(|number| number.parse().ok())
                .filter(|start| *start <= items.len())
                .ok_or_else(|| invalid("Invalid value for parameter NextToken".into()))?,
        };
        items.drain(..start);
        let next = (items.len() > most).then(|| format!("from-{}", start + most));
        items.truncate(most);
        Ok((items, next))
    }
}

impl Filter {
    /// Whether one of its values is one of `have`.
    pub(super) fn matches<'a>(&self, have: impl IntoIterator<Item = &'a str>) -> bool {
        have.into_iter()
            .any(|have| self.values.iter().any(|value| matches_pattern(value, have)))
    }
}

/// EC2's wildcards: `*` stands for any characters, `?` for one.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // reached[n]: the pattern so far matches the first n characters.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for symbol in pattern {
        if symbol == '*' {
            let mut any = false;
            for at in &mut reached {
                any |= *at;
                *at = any;
            }
        } else {
            let matched = reached
                .iter()
                .zip(&text)
                .map(|(at, have)| *at && (symbol == '?' || symbol == *have));
            reached = std::iter::once(false).chain(matched).collect();
        }
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_filters_are_read_by_number() {
        let query = Query::parse(
            b"Action=X&SubnetId.2=b&SubnetId.10=c&SubnetId.1=a&Filter.1.Name=status&Filter.1.Value.1=in-use&Filter.2.Name=tag%3Ateam&Filter.2.Value.1=a",
        );
        assert_eq!(query.get("Action"), Some("X"));
        assert_eq!(query.list("SubnetId"), ["a", "b", "c"]);
        let filters = query.filters(&["status"]).unwrap();
        assert_eq!(
            filters[0],
            Filter {
                name: "status".into(),
                values: vec!["in-use".into()]
            }
        );
        assert_eq!(filters[1].name, "tag:team");
        assert_eq!(
            query.filters(&[]).unwrap_err().message,
            "The filter 'status' is invalid"
        );
    }

    #[test]
    fn wildcards() {
        for (pattern, text, matches) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("", "", true),
            ("", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn pages_cover_a_list_once() {
        let items: Vec<u32> = (0..12).collect();
        let (first, token) = Query::parse(b"MaxResults=5")
            .page(items.clone(), false)
            .unwrap();
        assert_eq!(
            (first, token.as_deref()),
            (vec![0, 1, 2, 3, 4], Some("from-5"))
        );
        let (last, token) = Query::parse(b"MaxResults=7&NextToken=from-5")
            .page(items.clone(), false)
            .unwrap();
        assert_eq!((last.len(), token), (7, None));
        assert!(
            Query::parse(b"MaxResults=4")
                .page(items.clone(), false)
                .is_err()
        );
        assert!(
            Query::parse(b"MaxResults=5")
                .page(items.clone(), true)
                .is_err()
        );
        assert!(
            Query::parse(b"MaxResults=5&NextToken=x")
                .page(items, false)
                .is_err()
        );
    }
}
