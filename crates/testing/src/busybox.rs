//! A system that is Debian's static busybox, and nothing else.

use std::path::Path;
use std::process::Command;

/// The program.
pub fn program() -> &'static str {
    ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("busybox is missing; ./test at the root of the repository installs busybox-static")
}

/// An archive of the root file system: the program under all its names, and the account `ci`.
pub fn files() -> Vec<u8> {
    let busybox = program();
    let list = Command::new(busybox).arg("--list").output().unwrap().stdout;
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |kind: tar::EntryType, path: &str, mode: u32, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).unwrap();
    };
    let (file, directory) = (tar::EntryType::Regular, tar::EntryType::Directory);
    for (path, mode) in [
        ("bin", 0o755),
        ("etc", 0o755),
        ("tmp", 0o1777),
        ("root", 0o700),
    ] {
        add(directory, path, mode, b"");
    }
    add(
        file,
        "etc/passwd",
        0o644,
        b"root:x:0:0::/root:/bin/sh\nci:x:1000:1000::/tmp:/bin/sh\n",
    );
    add(file, "etc/group", 0o644, b"root:x:0:\nci:x:1000:\n");
    add(file, "bin/busybox", 0o755, &std::fs::read(busybox).unwrap());
    for name in String::from_utf8(list)
        .unwrap()
        .lines()
        .filter(|name| *name != "busybox")
    {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive
            .append_link(&mut header, format!("bin/{name}"), "busybox")
            .unwrap();
    }
    archive.into_inner().unwrap()
}
