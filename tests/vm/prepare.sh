# What a guest is made of, for run.sh to source: kernel, system disk, initramfs, payload disk.
# The first two are kept in $cache, because they change only with Debian.

packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,gcc,libc6-dev,python3,procps,curl
modules="virtio_pci virtio_blk overlay"

# Sets $kernel to the unpacked package that Debian's newest cloud kernel is, and $release to its version.
kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
    release=${package#linux-image-}
    kernel=$cache/$package
    [ ! -d "$kernel" ] || return 0
    (cd "$work" && apt-get -q download "$package" >/dev/null 2>&1)
    dpkg -x "$work/$package"_*.deb "$work/kernel"
    depmod -b "$work/kernel" "$release"
    mv "$work/kernel" "$kernel"
}

# Sets $system to an ext4 image of a small Debian with systemd, of the release of this machine: the suites' programs were
# linked against its libc.
system() {
    local codename made key
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    key=$(echo "$packages" | cat - "$here/guest/session.service" | sha256sum | cut -c 1-12)
    system=$cache/system-$codename-$key.ext4
    [ ! -f "$system" ] || return 0
    [ "$(id -u)" = 0 ] || { echo "the system image is made by root (debootstrap)" >&2; return 1; }
    made=$work/system
    debootstrap --variant=minbase --include="$packages" "$codename" "$made" >"$work/debootstrap.log" ||
        { tail -20 "$work/debootstrap.log" >&2; return 1; }
    rm -rf "$made"/var/cache/apt/* "$made"/var/lib/apt/lists/* "$made"/usr/share/{doc,man,locale}
    mkdir -p "$made/payload"
    chroot "$made" useradd --create-home --shell /bin/sh somebody
    cp "$here/guest/session.service" "$made/etc/systemd/system/stockade-vm.service"
    chroot "$made" systemctl -q enable stockade-vm.service
    # Half a gigabyte more than there is; holes take no room.
    truncate -s "$(($(du -sm "$made" | cut -f 1) + 512))M" "$work/system.ext4"
    mke2fs -q -t ext4 -d "$made" "$work/system.ext4"
    rm -rf "$made" "$cache"/system-*.ext4
    mv "$work/system.ext4" "$system"
}

# Sets $initramfs.
initramfs() {
    local root=$work/initramfs name
    initramfs=$work/initramfs.cpio
    mkdir -p "$root"/{bin,dev,proc,sys,system,modules}
    cp "$here/guest/init" "$root/init"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for name in sh mount umount insmod ifconfig cat switch_root poweroff; do ln -s busybox "$root/bin/$name"; done
    for name in $modules; do
        modprobe -d "$kernel" -S "$release" --show-depends "$name" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++' | while read -r name; do
        cp "$name" "$root/modules/"
        basename "$name"
    done >"$root/modules/order"
    (cd "$root" && find . | cpio --quiet -o -H newc >"$initramfs")
}

# Sets $payload to an image of the binary under test ($binary), the suites and what they read.
payload() {
    local root=$work/payload name program
    payload=$work/payload.ext4
    mkdir -p "$root/source"
    cp "$binary" "$root/stockade"
    cp "$(command -v busybox)" "$root/busybox"
    cp "$here"/guest/*.sh "$root/"
    cp -r "$here/../escape" "$root/source/"
    for name in $suites; do
        program=$(test_program "$name")
        strip -o "$root/$name" "$program"
    done
    [ -z "${STOCKADE_DEB:-}" ] || cp "$STOCKADE_DEB" "$root/stockade.deb"
    {
        echo "SUITES_SOURCE='$(cd "$here/.." && pwd)'"
        echo "SUITES='$suites'"
        for name in $suites; do
            echo "LEFT_OUT_$name='$(left_out "$name" | sed 's/^/--skip /' | tr '\n' ' ')'"
            [ "$name" != cgroup ] || echo "ONLY_$name=cgroup::"
        done
        echo "export STOCKADE_TEST_PATIENCE=20"
        # For all suites, so that the guest has time to tell what became of them.
        echo "MOST=$((seconds[suites] - 60))"
        echo "SUITE_ARGS='${STOCKADE_VM_ARGS:-}'"
    } >"$root/settings"
    truncate -s "$(($(du -sm "$root" | cut -f 1) + 32))M" "$payload"
    mke2fs -q -t ext4 -d "$root" "$payload"
}

# The filters of `left-out` for the suite $1.
left_out() {
    local when suite filter attack
    while read -r when suite filter _; do
        [ "$suite" = "$1" ] && { [ "$when" = any ] || [ -z "${STOCKADE_VM_WHOLE:-}" ]; } || continue
        case $filter in
            !*) for attack in "$here"/../escape/attacks/*.c; do
                attack=$(basename "$attack" .c)
                [[ ,${filter#!}, == *",$attack,"* ]] || echo "::$attack"
            done ;;
            *) echo "$filter" ;;
        esac
    done <"$here/left-out"
}

# The program that cargo made of the suite $1; `cgroup` is a part of the unit tests of src/sandbox. Of the workspace, as the
# README's test command has it: `-p tests` means other features of the dependencies, and all of them built once more.
test_program() {
    local what=(--test "$1") name=$1 kind=test
    [ "$1" != cgroup ] || what=(--lib) name=sandbox kind=lib
    cargo test --locked -q --workspace "${what[@]}" --no-run --message-format=json |
        python3 -c '
import json, sys
for line in sys.stdin:
    made = json.loads(line)
    if made.get("executable") and made["target"]["name"] == sys.argv[1] and sys.argv[2] in made["target"]["kind"]:
        print(made["executable"])' "$name" "$kind" | grep .
}
