#!/bin/bash
# Boots stock Debian kernels with nothing but cgroup v2 in emulated machines, runs the suites and the first job of a newcomer
# there, and prints what ran, what failed and what was skipped why. `README.md` has the words and the figures.
#   run.sh [suites|session ...]       both when none is named
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/stockade-ci/vm
suites=${STOCKADE_VM_SUITES-cgroup sandbox escape}
mkdir -p "$cache"
work=$(mktemp -d)
trap 'jobs -p | xargs -r kill; rm -rf "$work"' EXIT
. "$here/prepare.sh"

# The most that a guest may take, those before it that stood still included.
declare -A seconds=([suites]=1500 [session]=600)
declare -A first=([suites]=/payload/suites.sh [session]=/lib/systemd/systemd)

binary=${STOCKADE_BIN:-}
if [ -z "$binary" ]; then
    cargo static
    binary=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/x86_64-unknown-linux-musl/release/stockade
fi
kernel
system
initramfs
payload

# Emulated, because not every machine that tests has /dev/kvm. An old processor, because wide vectors are slow to emulate, and no
# mitigations, because an emulated one does not speculate: half the time in all. `tsc=reliable` keeps the kernel from reading
# the hpet instead, which is an exit to qemu each time. systemd's own lines would tear those of the checks.
# $2: the most that it may take, in seconds.
emulated() {
    local name=$1 log=$work/$1.log pulse=$work/$1.pulse
    : >"$pulse"
    timeout --foreground -k 5 "$2" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
        -accel tcg,thread=multi -cpu Nehalem -smp 2 -m 2000 -serial stdio -serial "file:$pulse" \
        -kernel "$kernel/boot/vmlinuz-$release" -initrd "$initramfs" \
        -drive "file=$system,format=raw,if=virtio,snapshot=on" -drive "file=$payload,format=raw,if=virtio,readonly=on" \
        -append "console=ttyS0 loglevel=2 panic=-1 mitigations=off cgroup_no_v1=all tsc=reliable systemd.show_status=0 stockade.init=${first[$name]}" \
        </dev/null >"$log" 2>&1 &
    local machine=$!
    until timeout 10 tail --pid=$machine -s 0.2 -f /dev/null; do
        ! stands_still "$log" "$pulse" || kill $machine || true
    done
    wait $machine || echo "vm: $name: no orderly end (status $?)" >>"$log"
}

# Two minutes without the pulse that `guest/init` gives, or a processor that its kernel has missed for one.
stands_still() {
    [ $((EPOCHSECONDS - $(stat -c %Y "$2"))) -gt 120 ] || grep -Eq 'soft lockup - CPU#.* stuck for ([6-9]|[0-9]{2})[0-9]s' "$1"
}

# Now and then qemu 7.2 leaves its machine standing for good, with the guest's processors waiting for each other in the kernel, and
# also before there is any program. That says nothing of what is tested, so it is started again, which the table shows. What
# hangs in the guest does not stop its pulse, and fails when its time is over.
boot() {
    local name=$1 start=$EPOCHSECONDS log=$work/$1.log again= left
    for _ in 1 2 3; do
        left=$((start + seconds[$name] - EPOCHSECONDS))
        [ "$left" -gt 0 ] || break
        emulated "$name" "$left"
        ! grep -q '^vm: done' "$log" && stands_still "$log" "$work/$name.pulse" || break
        again+="vm: $name: the emulated machine stood still after $(wc -l <"$log") lines"$'\n'
    done
    printf '%s' "$again" >>"$log"
    echo "vm: $name took $((EPOCHSECONDS - start)) s" >>"$log"
}

[ $# != 0 ] || set -- suites session
logs=()
for name in "$@"; do
    boot "$name"
    logs+=("$work/$name.log")
    [ -z "${STOCKADE_VM_LOGS:-}" ] || cp "$work/$name.log" "$STOCKADE_VM_LOGS/"
done
python3 "$here/report.py" "$here/left-out" "${logs[@]}" || {
    status=$?
    # What the suites and the programs in them said; the table above has the names.
    for log in "${logs[@]}"; do tail -n 400 "$log"; done >&2
    exit "$status"
}
