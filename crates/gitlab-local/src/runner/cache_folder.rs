//! The folder of this machine in which caches wait for the next run of a job.
//!
//! A file's name is a hash of the project and the cache's key, so no key leads out of the folder. The folder has a
//! limit: the caches that nobody used for the longest time go first.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::fcntl::OFlag;
use sha2::{Digest as _, Sha256};

use crate::transfer::Archive;

/// Bytes that all caches of the folder may have.
pub(crate) const SIZE_LIMIT: u64 = 5 << 30;

/// The age at which a file that is still without a name is a leftover of a trial that was killed.
const LEFTOVER: Duration = Duration::from_secs(24 * 3600);

/// The names of files that are no caches yet begin so.
const UNNAMED: &str = ".fargate-try-cache-";

/// Bytes of a file that are hashed at once.
const PIECE: usize = 64 * 1024;

/// The folder of one project's caches.
#[derive(Debug, Clone)]
pub struct CacheFolder {
    folder: PathBuf,
    project: PathBuf,
}

impl CacheFolder {
    /// The caches of the project in the folder of `file`, in `folder`, which is made when a cache is kept.
    pub fn new(folder: &Path, file: &Path) -> Self {
        let project = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self {
            folder: folder.to_owned(),
            project: project.parent().map(Path::to_owned).unwrap_or_default(),
        }
    }

    /// The cache with this key, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn find(&self, key: &str) -> io::Result<Option<Archive>> {
        match File::open(self.path(key)) {
            Ok(file) => {
                // Its time is that of its last use.
                if let Err(error) = file.set_modified(SystemTime::now()) {
                    tracing::debug!(%error, "could not note the use of a cache");
                }
                Archive::open(file).map(Some)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps `archive` under this key, in place of an earlier one. Returns how many others had to go, as all together
    /// may have `limit` bytes.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, read or written.
    pub(crate) fn keep(&self, key: &str, archive: &Archive, limit: u64) -> io::Result<usize> {
        // For its owner alone: caches may hold what a job could read.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(UNNAMED)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.folder)?;
        io::copy(&mut archive.reader(), &mut file)?;
        file.persist(self.path(key))?;
        self.shrink(limit)
    }

    /// Removes leftovers, and the caches that were not used for the longest time until the rest has `limit` bytes. The
    /// folder may be anybody's, so files of other names are left alone.
    fn shrink(&self, limit: u64) -> io::Result<usize> {
        let now = SystemTime::now();
        let mut caches = Vec::new();
        for entry in self.folder.read_dir()? {
            let path = entry?.path();
            // Another trial may have removed it meanwhile.
            let Ok(file) = path.symlink_metadata() else {
                continue;
            };
            let (true, Ok(used)) = (file.is_file(), file.modified()) else {
                continue;
            };
            match path.file_name().and_then(OsStr::to_str).map(Kind::of) {
                Some(Kind::Cache) => caches.push((used, file.len(), path)),
                Some(Kind::Unnamed) if now.duration_since(used).is_ok_and(|age| age > LEFTOVER) => {
                    removed(&path);
                }
                _ => {}
            }
        }
        caches.sort();
        let (mut size, mut count) = (0_u64, 0);
        for (_, length, path) in caches.into_iter().rev() {
            size = size.saturating_add(length);
            count += usize::from(size > limit && removed(&path));
        }
        Ok(count)
    }

    fn path(&self, key: &str) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(self.project.as_os_str().as_encoded_bytes());
        hash.update(b"\0");
        hash.update(key);
        self.folder
            .join(format!("{}.tar", hexadecimal(&hash.finalize())))
    }
}

/// What a file of the folder is, by its name.
enum Kind {
    Cache,
    /// A cache that is still written, or a leftover.
    Unnamed,
    /// It is none of ours.
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        let is_hash = |name: &str| {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            name.len() == 64 && name.bytes().all(is_digit)
        };
        match name.strip_suffix(".tar") {
            Some(hash) if is_hash(hash) => Self::Cache,
            _ if name.starts_with(UNNAMED) => Self::Unnamed,
            _ => Self::Other,
        }
    }
}

/// Removes a file of the folder. Another trial may be quicker, and another user's file may stay.
fn removed(path: &Path) -> bool {
    let removed = fs::remove_file(path);
    if let Err(error) = &removed {
        tracing::debug!(%error, "could not remove a file of the cache folder");
    }
    removed.is_ok()
}

/// The hash of files' contents, as a cache's key has it; `None` when none of them is there. Only regular files of the
/// project count.
pub(crate) fn hash_of_files(folder: &Path, files: &[String]) -> Option<String> {
    let mut hash = Sha256::new();
    let mut found = false;
    for name in files {
        let file = open_inside(folder, name);
        if let Ok(hash_of_file) = file.and_then(hash_of_file) {
            found = true;
            hash.update(hash_of_file.finalize());
        }
    }
    // As long as GitLab's, which hashes commits.
    found.then(|| hexadecimal(&hash.finalize()).chars().take(40).collect())
}

/// Opens a regular file of the project. Names and links that lead out of it are refused, and pipes and devices, which
/// could be without end.
fn open_inside(folder: &Path, name: &str) -> io::Result<File> {
    let path = folder.join(name).canonicalize()?;
    if !path.starts_with(folder.canonicalize()?) {
        return Err(io::Error::other("it is not in the project"));
    }
    let mut options = OpenOptions::new();
    options.custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits());
    let file = options.read(true).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

fn hash_of_file(mut file: File) -> io::Result<Sha256> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash),
            length => hash.update(piece.get(..length).unwrap_or_default()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(content: &[u8]) -> Archive {
        Archive::copied(content, 100).unwrap().unwrap()
    }

    #[test]
    fn a_cache_is_found_by_project_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let caches = CacheFolder::new(&folder.path().join("a/b"), Path::new("/p/.gitlab-ci.yml"));
        let other = CacheFolder::new(&folder.path().join("a/b"), Path::new("/q/.gitlab-ci.yml"));
        assert!(caches.find("../../k").unwrap().is_none());
        caches.keep("../../k", &archive(b"one"), 9).unwrap();
        caches.keep("../../k", &archive(b"two"), 9).unwrap();
        let found = caches.find("../../k").unwrap().unwrap();
        assert_eq!(found.content(9).unwrap().unwrap(), b"two");
        assert!(caches.find("k").unwrap().is_none() && other.find("../../k").unwrap().is_none());
        let files: Vec<_> = folder.path().join("a/b").read_dir().unwrap().collect();
        assert_eq!(files.len(), 1);
        let mode = folder
            .path()
            .join("a/b")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn the_folder_keeps_what_was_used_last() {
        let folder = tempfile::tempdir().unwrap();
        let caches = CacheFolder::new(folder.path(), Path::new("/p/.gitlab-ci.yml"));
        let other = CacheFolder::new(folder.path(), Path::new("/q/.gitlab-ci.yml"));
        let age = |path: &Path, seconds: u64| {
            let file = File::options().append(true).open(path).unwrap();
            let time = SystemTime::now() - Duration::from_secs(seconds);
            file.set_modified(time).unwrap();
        };
        for (caches, key, seconds) in [(&caches, "a", 300), (&caches, "b", 200), (&other, "c", 100)]
        {
            assert_eq!(caches.keep(key, &archive(b"1234"), 100).unwrap(), 0);
            age(&caches.path(key), seconds);
        }
        // Files that nobody has named yet, and files of somebody else.
        let (old, new) = (format!("{UNNAMED}old"), format!("{UNNAMED}new"));
        for (name, seconds) in [
            (old.as_str(), 2 * 86_400),
            (new.as_str(), 60),
            ("thesis.txt", 9 * 86_400),
            ("backup.tar", 9 * 86_400),
        ] {
            fs::write(folder.path().join(name), "unfinished").unwrap();
            age(&folder.path().join(name), seconds);
        }
        fs::create_dir(folder.path().join("folder")).unwrap();
        // Its use keeps the oldest.
        assert!(caches.find("a").unwrap().is_some());
        assert_eq!(caches.keep("d", &archive(b"1234"), 10).unwrap(), 2);
        let kept = |caches: &CacheFolder, key: &str| caches.path(key).exists();
        assert!(kept(&caches, "a") && kept(&caches, "d"));
        assert!(!kept(&caches, "b") && !kept(&other, "c"));
        let is_there = |name: &str| folder.path().join(name).exists();
        assert!(!is_there(&old) && is_there(&new));
        assert!(is_there("thesis.txt") && is_there("backup.tar") && is_there("folder"));
    }

    #[test]
    fn files_make_a_key_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |files: &[&str]| {
            let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
            hash_of_files(folder.path(), &files)
        };
        assert_eq!(hash(&["Gemfile.lock"]), None);
        std::fs::write(folder.path().join("Gemfile.lock"), "1").unwrap();
        let first = hash(&["Gemfile.lock", "missing"]).unwrap();
        assert_eq!(first.len(), 40);
        std::fs::write(folder.path().join("Gemfile.lock"), "2").unwrap();
        assert_ne!(hash(&["Gemfile.lock", "missing"]).unwrap(), first);
    }

    #[test]
    fn only_regular_files_of_the_project_make_a_key() {
        let parent = tempfile::tempdir().unwrap();
        let project = parent.path().join("project");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(parent.path().join("x"), "secret").unwrap();
        std::fs::write(project.join("own"), "own").unwrap();
        std::os::unix::fs::symlink("../x", project.join("out")).unwrap();
        std::os::unix::fs::symlink("own", project.join("in")).unwrap();
        nix::unistd::mkfifo(&project.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let absolute = parent.path().join("x");
        for name in [
            "../x",
            absolute.to_str().unwrap(),
            "out",
            "pipe",
            ".",
            "",
            "/dev/zero",
        ] {
            assert_eq!(hash_of_files(&project, &[name.to_owned()]), None, "{name}");
        }
        let of = |name: &str| hash_of_files(&project, &[name.to_owned()]).unwrap();
        assert_eq!(of("in"), of("./own"));
    }
}
