//! Certificates for a server that is asked over TLS, by `openssl`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::keeper::run_as;
use crate::user::without_rights;

/// Makes an authority and, by it, a certificate for 127.0.0.1 and `localhost`, in a folder; the names are those that PostgreSQL looks for.
pub(crate) fn make(folder: &Path) {
    let name = "basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n";
    std::fs::write(folder.join("name.conf"), name).unwrap();
    let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha384"];
    let authority = [
        "req",
        "-x509",
        "-subj",
        "/CN=Test authority",
        "-days",
        "2",
        "-keyout",
        "root.key",
        "-out",
        "root.crt",
    ];
    openssl(folder, &[&authority[..], &new].concat());
    let request = ["req", "-new", "-subj", "/CN=Test server", "-keyout", "server.key", "-out", "server.csr"];
    openssl(folder, &[&request[..], &new].concat());
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "root.crt",
        "-CAkey",
        "root.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-sha384",
    ];
    openssl(folder, &[&sign[..], &["-extfile", "name.conf", "-out", "server.crt"]].concat());
}

/// The authority's certificate.
pub(crate) fn authority(folder: &Path) -> PathBuf {
    folder.join("root.crt")
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    run_as(&mut command, without_rights());
    let made = command.output().unwrap_or_else(|error| panic!("openssl: {error}"));
    assert!(made.status.success(), "openssl {arguments:?}:\n{}", String::from_utf8_lossy(&made.stderr));
}
