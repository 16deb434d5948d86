use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::output;
use support::Temp;

/// An OCI layout that umoci has made of Debian's busybox, `busybox:latest`: a small layer over a large one.
pub(crate) struct Layout(Temp);

/// More than one read of a socket, and nothing that compresses.
const NOISE: u64 = 6 << 20;

impl Layout {
    pub(crate) fn new() -> Self {
        let layout = Self(Temp::new());
        let image = layout.image();
        let folder = |name: &str| layout.0.path().join(name).to_str().expect("text").to_owned();
        let (bundle, upper) = (folder("bundle"), folder("upper"));
        output("umoci", &["init", "--layout", &folder("layout")]);
        output("umoci", &["new", "--image", &image]);
        output("umoci", &["unpack", "--rootless", "--image", &image, &bundle]);
        fill(&layout.0.path().join("bundle/rootfs"));
        output("umoci", &["repack", "--image", &image, &bundle]);
        output("umoci", &["unpack", "--rootless", "--image", &image, &upper]);
        fs::write(layout.0.path().join("upper/rootfs/etc/motd"), "two layers\n").expect("an own file");
        output("umoci", &["repack", "--image", &image, &upper]);
        let config = ["--config.cmd", "sh", "--config.env", "GREETING=hello", "--config.user", "nobody"];
        output("umoci", &[&["config", "--image", &image][..], &config].concat());
        layout
    }

    /// As umoci has it.
    fn image(&self) -> String {
        format!("{}/layout:latest", self.0.path().display())
    }

    /// As skopeo has it.
    pub(crate) fn source(&self) -> String {
        format!("oci:{}", self.image())
    }

    pub(crate) fn noise(&self) -> Vec<u8> {
        fs::read(self.0.path().join("bundle/rootfs/usr/share/noise")).expect("it was made")
    }
}

fn fill(root: &Path) {
    for folder in ["bin", "etc", "usr/share", "tmp"] {
        fs::create_dir_all(root.join(folder)).expect("a new folder");
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).expect("Debian: busybox-static");
    for applet in ["sh", "cat", "ls", "true"] {
        symlink("busybox", root.join("bin").join(applet)).expect("a new link");
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        .expect("a file");
    fs::write(root.join("etc/group"), "root:x:0:\nnogroup:x:65534:\n").expect("a file");
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("an own folder");
    let mut noise = Vec::new();
    let random = fs::File::open("/dev/urandom").expect("random(4)");
    random.take(NOISE).read_to_end(&mut noise).expect("it never ends");
    fs::write(root.join("usr/share/noise"), noise).expect("a file");
}
