//! A folder of this machine as git's URL of a repository.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The URL `file://…` of an absolute path, with each unusual byte escaped.
pub(super) fn file_url(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let bytes = path.as_os_str().as_bytes().iter();
    let text = bytes.map(|byte| match plain(*byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    format!("file://{}", text.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_bytes_are_escaped() {
        assert_eq!(
            file_url(Path::new("/a b/ü#%?")),
            "file:///a%20b/%C3%BC%23%25%3F"
        );
    }
}
