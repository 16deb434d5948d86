//! What a job sees of files: its root, what it may write, and what is covered.

use model::JobSpec;

use super::{ImageRoot, LandlockPlan, RootPlan, ScratchPlan};

/// Listed in runc's and moby's defaults: host state that a pid namespace does not hide.
const MASKED_FILES: [&str; 8] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/sysrq-trigger",
    "/proc/interrupts",
];
const MASKED_DIRECTORIES: [&str; 3] = ["/proc/acpi", "/proc/asound", "/proc/scsi"];
/// The owner of the job's user namespace may write some sysctls without any capability (net, ipc): read-only for all.
const READ_ONLY: [&str; 4] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"];

pub(super) fn root(image: Option<ImageRoot>) -> RootPlan {
    RootPlan {
        image,
        masked_files: MASKED_FILES.map(String::from).into(),
        masked_directories: MASKED_DIRECTORIES.map(String::from).into(),
        read_only: READ_ONLY.map(String::from).into(),
    }
}

/// One inode for every 4 KiB, the kernel's own default for tmpfs, within bounds that keep an inode bomb small.
pub(super) fn scratch(bytes: u64) -> ScratchPlan {
    ScratchPlan { bytes, inodes: (bytes / 4096).clamp(1024, 262_144) }
}

/// An image's root is the job's to change; what lies elsewhere, and devices and `/proc`, are what their mounts make them.
pub(super) fn landlock(abi: u32, spec: &JobSpec, over_image: bool) -> LandlockPlan {
    let writable = spec.volumes.iter().filter(|volume| !volume.read_only).map(|volume| volume.path.clone());
    let own = ["/workspace", "/tmp", "/dev/shm"].map(String::from);
    LandlockPlan {
        abi,
        read_execute: vec!["/".into()],
        read_write: vec!["/dev".into(), "/proc".into()],
        full: if over_image { vec!["/".into()] } else { own.into_iter().chain(writable).collect() },
    }
}
