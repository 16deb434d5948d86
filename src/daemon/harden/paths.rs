//! What the daemon has a use for, by what it does with it. A path that is not there gives no rule.

use std::env;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use admission::Bundle;

use crate::Config;
use crate::listen::Address;
use crate::settings::ConfigError;

/// Of the C library, where it is a shared one: the process that compiles policies is started anew.
const LIBRARIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
/// Trusting certificates, time zones, and what the kernel tells.
const HOST: [&str; 12] = [
    "/usr/share/zoneinfo",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    // Where the links of SUSE's /etc/ssl lead.
    "/var/lib/ca-certificates",
    // Of other processes the kernel shows nothing but what everybody may see: landlock(7) forbids the rest.
    "/proc",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
];
/// Whose files are read and whose names are not: resolv.conf(5), hosts(5), nsswitch.conf(5) and the like are replaced as a whole, so a
/// rule about one of them would end with it. What only root may read there this process cannot.
const SETTINGS: &str = "/etc";
const DEVICES: [&str; 3] = ["/dev/null", "/dev/urandom", "/dev/random"];
/// Replaced as a whole when the network changes, so its folder is what stays.
const RESOLVER: &str = "/etc/resolv.conf";

#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Executed too.
    pub(super) programs: Vec<PathBuf>,
    pub(super) read: Vec<PathBuf>,
    /// Folders of files with known names.
    pub(super) files: Vec<PathBuf>,
    pub(super) devices: Vec<PathBuf>,
    /// Folders in which a socket is made and removed.
    pub(super) sockets: Vec<PathBuf>,
    /// Folders of a file that is written and rotated.
    pub(super) logs: Vec<PathBuf>,
    pub(super) own: Vec<PathBuf>,
    /// Folders whose cgroups are removed at the end.
    pub(super) groups: Vec<PathBuf>,
    /// Files by which this process goes back to its own.
    pub(super) way_home: Vec<PathBuf>,
}

impl Paths {
    pub(super) fn of(config: &Config, state_dir: Option<&Path>) -> Self {
        let mut read: Vec<PathBuf> = HOST.iter().map(PathBuf::from).collect();
        read.extend(resolver_folder());
        let authorities = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(env::var_os);
        read.extend(authorities.map(PathBuf::from).filter(|path| !is_root(path)));
        // Renewed by renaming: the new file is another one in the same folder, or in the one that a link leads to.
        read.extend(named(config).iter().flat_map(|file| read_with(file)));
        let listened = config.listen.iter().filter_map(Address::path);
        Self {
            programs: LIBRARIES.iter().map(PathBuf::from).chain(env::current_exe().ok()).collect(),
            read,
            files: vec![SETTINGS.into()],
            devices: DEVICES.iter().map(PathBuf::from).collect(),
            sockets: listened.filter_map(Path::parent).map(PathBuf::from).collect(),
            logs: config.admission_log.iter().flat_map(|file| folders_of(file)).collect(),
            own: state_dir.map(PathBuf::from).into_iter().chain(config.policy_cache.clone()).collect(),
            ..Self::default()
        }
    }
}

/// A rule about the host's root opens all of the host, which for what is read [`read_with`] avoids. What is written or made
/// needs its folder.
pub(super) fn refuse_root(config: &Config) -> Result<(), ConfigError> {
    let sockets = config.listen.iter().filter_map(Address::path).filter_map(Path::parent);
    let logs = config.admission_log.iter().flat_map(|file| folders_of(file));
    let all = sockets.map(|folder| ("listen", folder.to_owned()));
    let all = all.chain(logs.map(|folder| ("admission_log", folder)));
    let mut all = all.chain(config.policy_cache.clone().map(|folder| ("policy_cache", folder)));
    all.find(|(_, folder)| is_root(folder)).map_or(Ok(()), |(key, _)| {
        let detail =
            "lies in `/` itself: to write there, all of the host would have to be open to this process";
        Err(ConfigError::setting(key, detail, "name a place in a folder of its own"))
    })
}

fn is_root(path: &Path) -> bool {
    let identity = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino())).ok();
    identity(path).is_some_and(|found| Some(found) == identity(Path::new("/")))
}

/// Folders whose files may take the place of this one. In the host's root it is the file alone: another in its place is
/// refused until the next start.
fn read_with(file: &Path) -> impl Iterator<Item = PathBuf> {
    folders_of(file).into_iter().map(|folder| if is_root(&folder) { file.into() } else { folder })
}

/// Files that the settings name, and those that the bundle does. Whoever loads one that cannot be read tells why.
fn named(config: &Config) -> Vec<PathBuf> {
    let shipped = admission::shipped::bundle_names();
    let bundle = config.policies.as_deref().filter(|name| !shipped.contains(name));
    let mut files: Vec<PathBuf> = bundle.map(PathBuf::from).into_iter().collect();
    files.extend(bundle.and_then(|file| Bundle::read(file).ok()).iter().flat_map(Bundle::components));
    files.extend(config.tls.iter().flat_map(|(certificate, key)| [certificate.clone(), key.clone()]));
    files.extend(config.registries.credential_files());
    files.extend(config.registries.registries.values().filter_map(|registry| registry.ca.clone()));
    files
}

/// As it is named, and where links lead.
fn folders_of(file: &Path) -> Vec<PathBuf> {
    let folder = |file: &Path| match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Some(PathBuf::from(".")),
        folder => folder.map(PathBuf::from),
    };
    folder(file).into_iter().chain(file.canonicalize().ok().as_deref().and_then(folder)).collect()
}

/// Where a service keeps it (systemd-resolved, resolvconf): not `/etc`, which holds more than that.
fn resolver_folder() -> Option<PathBuf> {
    let real = Path::new(RESOLVER).canonicalize().ok()?;
    real.parent().filter(|folder| folder.starts_with("/run")).map(PathBuf::from)
}
