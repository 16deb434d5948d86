//! Names of calls that other architectures have: Docker's and Podman's profiles list them all. Without numbers, as no
//! filter here needs one; known so that a typo stands out.

pub(super) const NAMES: &str = "\
    _llseek _newselect arm_fadvise64_64 arm_sync_file_range bdflush breakpoint cacheflush chown32 clock_adjtime64 \
    clock_getres_time64 clock_gettime64 clock_nanosleep_time64 clock_settime64 fadvise64_64 fchown32 fcntl64 fstat64 \
    fstatat64 fstatfs64 ftruncate64 futex_time64 getegid32 geteuid32 getgid32 getgroups32 getresgid32 getresuid32 \
    getuid32 io_pgetevents_time64 ipc lchown32 lstat64 mmap2 mq_timedreceive_time64 mq_timedsend_time64 nice oldfstat \
    oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write ppoll_time64 \
    pselect6_time64 readdir recv recvmmsg_time64 riscv_flush_icache riscv_hwprobe rt_sigtimedwait_time64 rtas \
    s390_guarded_storage s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi \
    sched_rr_get_interval_time64 semtimedop_time64 send sendfile64 set_tls setfsgid32 setfsuid32 setgid32 setgroups32 \
    setregid32 setresgid32 setresuid32 setreuid32 setuid32 sgetmask sigaction signal sigpending sigprocmask sigreturn \
    sigsuspend socketcall spu_create spu_run ssetmask stat64 statfs64 stime subpage_prot swapcontext \
    sync_file_range2 syscall timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 truncate64 \
    ugetrlimit umount utimensat_time64 vm86 vm86old waitpid";
