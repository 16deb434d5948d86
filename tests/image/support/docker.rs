use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Authority, Here, Layout, output};
use support::Temp;

/// Debian's docker-registry on a free port of loopback.
pub(crate) struct Docker {
    child: Child,
    address: String,
    folder: Temp,
    login: Option<&'static str>,
}

impl Docker {
    /// For everybody.
    pub(crate) fn open() -> Self {
        Self::start(None, None)
    }

    /// For everybody who trusts this authority.
    pub(crate) fn secure(authority: &Authority) -> Self {
        Self::start(None, Some(authority))
    }

    /// For `me` with this password.
    pub(crate) fn closed(password: &'static str) -> Self {
        Self::start(Some(password), None)
    }

    fn start(login: Option<&'static str>, authority: Option<&Authority>) -> Self {
        let folder = Temp::new();
        let storage = folder.path().join("storage");
        let tls = authority.map_or(String::new(), |authority| {
            let (certificate, key) = authority.issued(&folder);
            format!(", tls: {{certificate: '{}', key: '{}'}}", certificate.display(), key.display())
        });
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nhttp: {{addr: '127.0.0.1:0', secret: x{tls}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}, maintenance: {{uploadpurging: {{enabled: false}}}}}}\n",
            storage.display()
        );
        if let Some(password) = login {
            let file = folder.file("htpasswd", output("htpasswd", &["-Bbn", "me", password]));
            let file = file.display();
            config = format!("{config}auth: {{htpasswd: {{realm: tests, path: '{file}'}}}}\n");
        }
        let config = folder.file("config.yml", config);
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut early = String::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else { panic!("docker-registry: {early}") };
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split(['"', ' ', ',']).next().expect("an address").to_owned();
            }
            early = early + &line + "\n";
        };
        // It must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, folder, login }
    }

    /// With its port, as references have it.
    pub(crate) fn name(&self) -> &str {
        &self.address
    }

    /// `NAME` here.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// By skopeo.
    pub(crate) fn fill(&self, layout: &Layout, name: &str, options: &[&str]) {
        let to = format!("docker://{}", self.image(name));
        let mut args = vec!["copy", "--insecure-policy", "--dest-tls-verify=false"];
        let creds = self.login.map(|password| format!("me:{password}"));
        args.extend(creds.iter().flat_map(|creds| ["--dest-creds", creds.as_str()]));
        args.extend(options);
        let source = layout.source();
        output("skopeo", &[&args[..], &[&source, &to]].concat());
    }

    /// Into the file that this store looks into.
    pub(crate) fn login(&self, here: &Here, password: &str) {
        fs::write(
            here.auth_file(),
            serde_json::json!({"auths": {self.name(): {"auth": encoded(password)}}}).to_string(),
        )
        .expect("an own file");
    }

    /// What skopeo says of an image here.
    pub(crate) fn inspect(&self, name: &str, options: &[&str]) -> Vec<u8> {
        let from = format!("docker://{}", self.image(name));
        let mut args = vec!["inspect", "--tls-verify=false"];
        let creds = self.login.map(|password| format!("me:{password}"));
        args.extend(creds.iter().flat_map(|creds| ["--creds", creds.as_str()]));
        args.extend(options);
        args.push(&from);
        output("skopeo", &args)
    }

    /// Where it keeps a blob.
    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").expect("a digest");
        let blobs = Path::new("storage/docker/registry/v2/blobs/sha256");
        self.folder.path().join(blobs).join(&hex[..2]).join(hex).join("data")
    }
}

fn encoded(password: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("me:{password}"))
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
