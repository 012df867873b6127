//! Certificates as people make them: with `openssl`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Folder, run};

/// A folder of certificates: `NAME.crt` with its key `NAME.key`, as small and as short-lived as they may be.
pub struct Certificates(Folder);

const P256: &str = "ec -pkeyopt ec_paramgen_curve:prime256v1";

impl Certificates {
    /// The authorities `ca` and `other`.
    pub fn new() -> Certificates {
        let certificates = Certificates(Folder::new());
        for name in ["ca", "other"] {
            certificates.self_signed(name, name);
        }
        certificates
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// As PostgreSQL's manual makes one to begin with: it may sign others, and signs itself.
    pub fn self_signed(&self, name: &str, subject: &str) {
        self.openssl(&format!(
            "req -new -x509 -days 2 -nodes -newkey {P256} -keyout {name}.key -out {name}.crt -subj /CN={subject}"
        ));
    }

    /// Signed by `ca`, with these extensions.
    pub fn signed(&self, name: &str, ca: &str, subject: &str, extensions: &str) {
        self.request(name, P256, subject);
        self.0.write(&format!("{name}.ext"), extensions);
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {ca}.crt -CAkey {ca}.key -days 2 -out {name}.crt -extfile {name}.ext"
        ));
    }

    /// The same with a key of this kind and a signature of this hash.
    pub fn of_kind(&self, name: &str, key: &str, hash: &str, extensions: &str) {
        self.self_signed_authority(name, key, hash);
        self.request(name, P256, "localhost");
        self.0.write(&format!("{name}.ext"), extensions);
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {name}-ca.crt -CAkey {name}-ca.key -days 2 -{hash} -out {name}.crt \
             -extfile {name}.ext"
        ));
    }

    fn self_signed_authority(&self, name: &str, key: &str, hash: &str) {
        self.openssl(&format!(
            "req -new -x509 -days 2 -nodes -newkey {key} -{hash} -keyout {name}-ca.key -out {name}-ca.crt -subj /CN={name}"
        ));
    }

    /// As PostgreSQL's manual signs a server's: without any extension, which on Debian 12 makes it one of version 1.
    pub fn bare(&self, name: &str, ca: &str, subject: &str) {
        self.request(name, "rsa:2048", subject);
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {ca}.crt -CAkey {ca}.key -days 2 -out {name}.crt"
        ));
    }

    /// Signed by `ca`, for a month that is long over.
    pub fn expired(&self, name: &str, ca: &str, subject: &str, extensions: &str) {
        self.request(name, P256, subject);
        self.0.write(&format!("{name}.ext"), extensions);
        let database = format!("{name}-index.txt");
        self.0.write(&database, "");
        self.0.write(
            &format!("{name}.cnf"),
            &format!(
                "[ca]\ndefault_ca = it\n[it]\ndatabase = {database}\nnew_certs_dir = .\nrand_serial = yes\n\
                 default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n"
            ),
        );
        self.openssl(&format!(
            "ca -config {name}.cnf -batch -notext -cert {ca}.crt -keyfile {ca}.key -in {name}.csr -out {name}.crt \
             -startdate 20200101000000Z -enddate 20200201000000Z -extfile {name}.ext"
        ));
    }

    fn request(&self, name: &str, key: &str, subject: &str) {
        self.openssl(&format!(
            "req -new -nodes -newkey {key} -keyout {name}.key -out {name}.csr -subj /CN={subject}"
        ));
    }

    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        command
            .args(words.split_whitespace())
            .current_dir(self.folder())
            .stdin(Stdio::null());
        let ended = run(&mut command);
        assert_eq!(ended.code, Some(0), "openssl {words}: {}", ended.stderr);
    }
}
