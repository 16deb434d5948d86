#!/bin/sh
# PID 1 of a guest without systemd: nothing but the kernel's own cgroup v2 tree, and root. The suites make the delegated
# subtrees and the ordinary users themselves, by what `stockade doctor --print-setup` prints.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
# As systemd mounts it.
mount -t cgroup2 -o nsdelegate cgroup /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=0666,gid=5 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=1777 tmp /tmp
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
hostname guest
export STOCKADE_BIN=/payload/stockade NO_COLOR=1
. /payload/settings

# The attacks' sources are looked for where they were when the suite was compiled.
mkdir -p "$SUITES_SOURCE"
mount --bind /payload/source "$SUITES_SOURCE"
cd /

echo "vm: kernel $(uname -r), $(nproc) CPUs, cgroup $(stat -fc %T /sys/fs/cgroup): $(cat /sys/fs/cgroup/cgroup.controllers)"
echo "vm: v1 hierarchies: $(grep -c ' - cgroup ' /proc/self/mountinfo)"
# The seconds that are left of this guest's time.
rest() { awk -v most="$MOST" '{ print ($1 < most ? int(most - $1) + 1 : 1) }' /proc/uptime; }

if /payload/stockade doctor; then echo "check doctor of root ... ok"; else echo "check doctor of root ... FAILED"; fi
for suite in $SUITES; do
    echo "vm: begin $suite"
    eval "left_out=\$LEFT_OUT_$suite only=\${ONLY_$suite:-}"
    # Words come after the results, so that they do not tear their lines, and also of a suite that stands still.
    # shellcheck disable=SC2086,SC2154 # words; assigned by eval
    timeout -k 5 "$(rest)" "/payload/$suite" --color never $left_out $only $SUITE_ARGS 2>/tmp/words
    status=$?
    sed 's/^/| /' /tmp/words
    echo "vm: end $suite $status"
done
echo "vm: done"
# The console is slower than the power switch.
sleep 1
exec /payload/busybox poweroff -f
