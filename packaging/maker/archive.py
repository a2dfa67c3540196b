"""Archives that are the same for the same files, and checksums."""

import gzip
import hashlib
import io
import tarfile


def compressed(content, level=9):
    """Like `gzip -n`: neither name nor time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=level, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def tarball(folder, target, date):
    """A tar of the folder under its own name: sorted, root's, all files of one time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for file in [folder, *sorted(folder.rglob("*"))]:
            entry = tar.gettarinfo(file, arcname=str(file.relative_to(folder.parent)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = date
            if file.is_file():
                with file.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    target.write_bytes(compressed(buffer.getvalue(), level=6))


def checksums(folder):
    """SHA256SUMS of all other files, as `sha256sum --check` reads it."""
    files = sorted(file for file in folder.iterdir() if file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines))
