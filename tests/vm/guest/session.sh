#!/bin/sh
# In the guest with systemd: an ordinary user to whom nobody has delegated anything logs in and types the README's first job;
# then the package, where there is one, is installed, started, used and stopped.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NO_COLOR=1

# check NAME COMMAND...: its output is printed, its status is the verdict.
check() {
    name=$1
    shift
    if "$@"; then echo "check $name ... ok"; else echo "check $name ... FAILED"; fi
}

# A login by PAM: pam_systemd makes a session, and the user's systemd with it.
login() { su -l "$1" -c "cd /; export NO_COLOR=1; $2" </dev/null; }

# The same with limits told by the receipt, read with the Python of the guest.
receipt='import json, sys
job = json.load(sys.stdin)
cgroup = job["isolation"]["cgroup"]
print("vm: receipt of", sys.argv[1], json.dumps(cgroup), "degraded", job["isolation"]["degraded"], "status", job["status"])
sys.exit(not (cgroup["version"] == "v2" and {"memory", "pids", "cpu"} <= set(cgroup["controllers"])
    and not job["isolation"]["degraded"] and job["status"] == sys.argv[2]))'

newcomer() {
    check "$1: run -- true" login "$1" "/payload/stockade run -- true"
    check "$1: receipt" login "$1" "/payload/stockade run --json -- true | python3 -c '$receipt' $1 succeeded"
    check "$1: -m 64m ends what takes more" login "$1" \
        "/payload/stockade run --json -m 64m --wall 2m --cpu-time 2m -- python3 -c 'x = bytearray(256 << 20)' | python3 -c '$receipt' $1 memory_exceeded"
    check "$1: doctor" login "$1" "/payload/stockade doctor"
    check "$1: nothing left" nothing_left "$1"
}

# Of a user's jobs: no process, and no group but those that systemd made.
# systemd takes a scope away in its own time.
nothing_left() {
    ! pgrep -u "$1" -f @launcher || return 1
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(find /sys/fs/cgroup -type d -name 'stockade-[0-9]*')
        [ -n "$left" ] || return 0
        sleep 1
    done
    echo "$left"
    return 1
}

packaged() {
    apt-get -qy install /payload/stockade.deb >/dev/null 2>&1 || dpkg -i /payload/stockade.deb
}

serves() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        curl -fsS --retry-connrefused http://127.0.0.1:7070/readyz && echo && break
        systemctl is-active stockade || break
        sleep 1
    done
    curl -fsS "http://127.0.0.1:7070/jobs?wait=true" --json '{"command": ["true"]}' | python3 -c "$receipt" unit succeeded
}

# What a clock says that nobody sets (clock_gettime(2), CLOCK_MONOTONIC) is what a job's limits and times are made of.
jump='import json, sys
job = json.load(sys.stdin)
print("vm: clock", sys.argv[1], "in a job of 3 s:", job["status"], json.dumps(job["timing"]))
sys.exit(not (job["status"] == "succeeded" and 3e6 <= job["timing"]["run_us"] < 120e6))'

# In the middle of a job the clock goes on by two hours, back by four, and on again.
jumps() {
    for hours in +2 -4 +2; do
        curl -fsS "http://127.0.0.1:7070/jobs?wait=true" --json '{"command": ["sleep", "3"], "limits": {"wall_time_ms": 120000}}' >/tmp/jumped &
        sleep 1
        date -s "$hours hours" >/dev/null
        wait $!
        python3 -c "$jump" $hours </tmp/jumped || return 1
    done
    curl -fsS "http://127.0.0.1:7070/jobs" | python3 -c 'import json, sys; sys.exit(len(json.load(sys.stdin)["items"]) != 4)'
}

# The unit ended as it should, and nothing of it is left.
stopped() {
    systemctl stop stockade && [ "$(systemctl show -P Result stockade)" = success ] && ! pgrep -x stockade
}

echo "vm: kernel $(uname -r), systemd $(systemctl --version | awk 'NR == 1 { print $2 }'), cgroup $(stat -fc %T /sys/fs/cgroup)"
useradd --create-home --shell /bin/sh without
sed -i '/^without:/d' /etc/subuid /etc/subgid
newcomer somebody
newcomer without
if [ -f /payload/stockade.deb ]; then
    check "package: installs" packaged
    check "package: starts" systemctl start stockade
    check "package: serves" serves
    check "package: the clock jumps" jumps
    systemctl --no-pager status stockade
    check "package: stops" stopped
    check "package: nothing left" nothing_left stockade
    journalctl -q --no-pager -u stockade
else
    echo "check package ... ignored (no STOCKADE_DEB)"
fi
echo "vm: done"
