//! A company's way out: a forward proxy that wants a password, and servers with certificates of a private authority.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the proxy wants: user `ci` with this password, in the URL's form and in the header's (RFC 7617).
pub(crate) const PASSWORD: &str = "s3cret%40proxy";
const AUTHORIZATION: &str = "proxy-authorization: Basic Y2k6czNjcmV0QHByb3h5";

/// A proxy that leads every name to one server, until the tests end.
pub(crate) struct ForwardProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    /// `server` is where all names lead.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, noted) = (client.unwrap(), Arc::clone(&noted));
                std::thread::spawn(move || serve(client, server, &noted));
            }
        });
        Self { address, asked }
    }

    /// Its URL with the password.
    pub(crate) fn url(&self) -> String {
        format!("http://ci:{PASSWORD}@{}", self.address)
    }

    /// Its URL without one.
    pub(crate) fn url_without_password(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first lines of the requests that it let through.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, server: SocketAddr, noted: &Mutex<Vec<String>>) {
    let Some(request) = head(&mut client) else {
        return;
    };
    if !request
        .lines()
        .any(|line| line.eq_ignore_ascii_case(AUTHORIZATION))
    {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        client.write_all(refusal.as_bytes()).unwrap();
        return;
    }
    noted
        .lock()
        .unwrap()
        .push(request.lines().next().unwrap().to_owned());
    let mut server = TcpStream::connect(server).unwrap();
    if request.starts_with("CONNECT ") {
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .unwrap();
    } else {
        // The stand-in knows calls at `/` only.
        let (line, rest) = request.split_once("\r\n").unwrap();
        let method = line.split(' ').next().unwrap();
        let request = format!("{method} / HTTP/1.1\r\n{rest}");
        server.write_all(request.as_bytes()).unwrap();
    }
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || pass(back.0, back.1));
    pass(client, server);
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    drop(std::io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}

/// The head of a message; nothing when the sender has left.
fn head(stream: &mut impl Read) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        read.extend(byte);
    }
    String::from_utf8(read).ok()
}

/// A certificate authority of a company's own, and a server certificate of it for AWS's names and this machine.
pub(crate) struct PrivateAuthority {
    folder: PathBuf,
}

impl PrivateAuthority {
    /// Makes it with OpenSSL, in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let openssl = |arguments: &str| {
            let mut openssl = Command::new("openssl");
            openssl.args(arguments.split(' ')).current_dir(folder);
            let done = openssl.output().unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!(
            "req -x509 {key} -days 2 -subj /CN=company -keyout ca.key -out ca.pem"
        ));
        openssl(&format!(
            "req {key} -subj /CN=server -keyout server.key -out server.csr"
        ));
        let names =
            "subjectAltName=DNS:*.eu-west-1.amazonaws.com,DNS:localhost,IP:127.0.0.1,IP:0.0.0.0";
        std::fs::write(folder.join("names"), names).unwrap();
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
        );
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The authority's certificate.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A server with TLS before `server`, until the tests end.
    pub(crate) fn before(&self, server: SocketAddr) -> SocketAddr {
        let certificate = CertificateDer::from_pem_file(self.folder.join("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.folder.join("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, config) = (client.unwrap(), Arc::clone(&config));
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    exchange(StreamOwned::new(connection, client), server);
                });
            }
        });
        address
    }
}

/// Passes on requests and replies in turn. The stand-in answers requests for this machine only.
fn exchange(mut client: impl Read + Write, server: SocketAddr) {
    let mut server = TcpStream::connect(server).unwrap();
    while let Some((head, body)) = message(&mut client) {
        let lines = head.lines().map(|line| match line.split_once(':') {
            Some((name, _)) if name.eq_ignore_ascii_case("host") => "host: localhost",
            _ => line,
        });
        let head: String = lines.map(|line| format!("{line}\r\n")).collect();
        server
            .write_all(&[head.as_bytes(), &body].concat())
            .unwrap();
        let Some((head, body)) = message(&mut server) else {
            return;
        };
        if client
            .write_all(&[head.as_bytes(), &body].concat())
            .and_then(|()| client.flush())
            .is_err()
        {
            return;
        }
    }
}

/// Head and body of a message. The head says how long the body is.
fn message(stream: &mut impl Read) -> Option<(String, Vec<u8>)> {
    let head = head(stream)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}
