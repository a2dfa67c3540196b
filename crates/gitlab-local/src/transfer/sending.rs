//! The two ends of a script that files follow: the commands that take them, and the text before them.

/// The line before the files.
const BEGIN: &str = "-----BEGIN FILES-----";

/// Bytes between the command that takes the files and their first line.
///
/// A shell may have read ahead of the command that it runs. bash does not; dash and BusyBox read up to 8 KiB. What they
/// have read ahead is then filler.
const FILLER: usize = 32 * 1024;

/// The command that takes files that follow the script, and gives them to `unpack` on standard input, in base64.
///
/// `rest` runs after it. The shell reads all of it before it runs any, and nothing after it. A driver may also have
/// copied the script to a file in the task: then the files are in there.
pub(crate) fn take_files(unpack: &str, rest: &str) -> String {
    format!(
        "case $- in *s*) ;; *) exec < \"$0\" ;; esac\n\
         {{\n\
         set +o xtrace\n\
         while IFS= read -r line && [ \"$line\" != '{BEGIN}' ]; do :; done\n\
         {unpack}\n\
         {rest}\
         exit 0\n\
         }}\n"
    )
}

/// The text between [`take_files`] and the files.
pub(crate) fn files_follow() -> String {
    const LINE: &str = "###############################################################\n";
    let mut text = LINE.repeat(FILLER.div_ceil(LINE.len()));
    text.push_str(BEGIN);
    text.push('\n');
    text
}
