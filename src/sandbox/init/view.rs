//! What the job is told about the machine: files over those of `/proc` and `/sys` that tell about the host.
//!
//! They are made and mounted before the job is known, and written, through the descriptors that were kept, when it is.
//! Their filesystem belongs to the job's user; what keeps them as they are is that every mount of it that the job can
//! reach is read-only, and that no path leads to the one that is not.

mod cgroups;
mod texts;

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::Mode;

use super::{Inheritance, mounts, time};
use crate::launcher::Machine;
use crate::plan::ViewPlan;
use crate::step::{At, Step, StepError};
use crate::sys::{self, ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID, ATTR_RDONLY};

/// In the old root, which goes away with pivot.
const PLACE: &CStr = c"/view";
const READ_ONLY: u64 = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;

/// The files to write.
#[derive(Debug)]
pub(super) struct View {
    meminfo: File,
    cpuinfo: File,
    stat: File,
    processors: File,
    /// Where the offsets of the job's clocks go, where it has clocks of its own.
    pub(super) time: Option<OwnedFd>,
}

pub(super) fn make(root: &OwnedFd, init: &Inheritance, time: Option<OwnedFd>) -> Result<View, StepError> {
    let options = [(c"size", c"16m"), (c"nr_inodes", c"64"), (c"mode", c"0755")];
    let attributes = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;
    let files = sys::new_filesystem(c"tmpfs", &options, attributes).at(Step::View, 0)?;
    sys::move_mount(files.as_fd(), AT_FDCWD, PLACE).at(Step::View, 1)?;
    let file = |name: &CStr, over: &[&CStr], index| place(&files, root, name, over).at(Step::View, index);
    let view = View {
        meminfo: file(c"meminfo", &[c"proc/meminfo"], 2)?,
        cpuinfo: file(c"cpuinfo", &[c"proc/cpuinfo"], 3)?,
        stat: file(c"stat", &[c"proc/stat"], 4)?,
        processors: file(
            c"processors",
            &[c"sys/devices/system/cpu/online", c"sys/devices/system/cpu/present"],
            5,
        )?,
        time,
    };
    file(c"loadavg", &[c"proc/loadavg"], 6)?.write_all(texts::LOADAVG.as_bytes()).at(Step::View, 7)?;
    if let Some(group) = &init.group_name {
        cgroups::show(root, &init.machine.cgroups, group)?;
    }
    Ok(view)
}

/// A new file over each of these. One that this kernel does not have needs no cover.
fn place(files: &OwnedFd, root: &OwnedFd, name: &CStr, over: &[&CStr]) -> io::Result<File> {
    let file = mounts::create(files.as_fd(), name, OFlag::O_WRONLY, Mode::from_bits_truncate(0o444))?;
    for path in over {
        let bind = mounts::bind(files.as_fd(), name, READ_ONLY)?;
        mounts::attach(&bind, root.as_fd(), path)?;
    }
    Ok(file.into())
}

impl View {
    /// Before the first program could look.
    pub(super) fn fill(self, machine: &Machine, plan: ViewPlan, processors: &[u16]) -> Result<(), StepError> {
        let Self { mut meminfo, mut cpuinfo, mut stat, processors: mut list, time } = self;
        let bytes = plan.memory_bytes.map_or(machine.memory_bytes, |bytes| bytes.min(machine.memory_bytes));
        meminfo.write_all(texts::meminfo(bytes).as_bytes()).at(Step::Fill, 0)?;
        cpuinfo.write_all(texts::cpuinfo(&machine.cpuinfo, processors).as_bytes()).at(Step::Fill, 1)?;
        list.write_all(texts::list(processors).as_bytes()).at(Step::Fill, 2)?;
        // When its clocks were nought, so that with a process's own count of ticks it gives when that began.
        let (mut start, _) = sys::clock(libc::CLOCK_REALTIME).at(Step::Fill, 3)?;
        match &time {
            Some(offsets) => time::begin(offsets).at(Step::Fill, 4)?,
            None => start -= sys::clock(libc::CLOCK_BOOTTIME).at(Step::Fill, 5)?.0,
        }
        stat.write_all(texts::stat(processors, start).as_bytes()).at(Step::Fill, 6)
    }
}
