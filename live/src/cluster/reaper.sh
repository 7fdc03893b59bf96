#!/bin/sh
# Removes everything of the cluster once this script's standard input is closed: by dropping it, by a panic,
# by Ctrl-C, by being killed, or at once for `cluster down`.
# usage: reaper.sh DIR TAG
dir=$1
tag=$2
trap '' INT TERM HUP
[ -d "$dir" ] && echo $$ >"$dir/reaper.pid"
cat >/dev/null
[ -d "$dir" ] || exit 0
exec >"$dir/reaper.log" 2>&1
set -x

# Every program of the cluster was started with a variable that names its folder, and hands it on to what it
# starts itself. A pid file would come too late for one that is started in the moment in which its owner dies.
ours() { grep -lsFxz -- "ROLLOUT_CLUSTER=$dir" /proc/[0-9]*/environ | cut -d / -f 3; }
# Kills what a listing names, until it names nobody. Nothing is worth a graceful end: all that it could save is
# thrown away.
stop() {
    for _ in $(seq 100); do
        left=$("$1")
        [ -n "$left" ] || break
        # Word splitting is wanted: one argument per pid.
        kill -KILL $left
        sleep 0.05
    done
}
# Shims outlive containerd, and are among them.
stop ours
# What a killed shim leaves behind is named in its folder.
find "$dir/containerd" -name address -path '*runtime.v2*' -exec cat {} \; -exec echo \; |
    sed -n 's|^unix://||p' | xargs -r rm -f
# Containers are known by their control groups, and those by the containers' ids.
groups() {
    for path in "$dir"/runc/k8s.io/*; do
        find /sys/fs/cgroup -maxdepth 3 -type d -path "*/k8s.io/${path##*/}"
    done
}
pids() { for group in $(groups); do find "$group" -name cgroup.procs -exec cat {} +; done | sort -u; }
stop pids
for group in $(groups); do find "$group" -depth -type d -exec rmdir {} \; ; done
# Their common parent goes if nobody else has groups in it.
find /sys/fs/cgroup -maxdepth 2 -type d -name k8s.io -exec rmdir {} \;

# Packet filter: all chains KUBE-…, and the jumps to them from chains that are not. One transaction a table.
unfilter() {
    for table in nat filter mangle raw; do
        "$1-save" -t "$table" | awk -v table="$table" '
            /^:(KUBE|CNI)-/ { name = substr($1, 2); flush = flush "-F " name "\n"; remove = remove "-X " name "\n" }
            /^-A / && $2 !~ /^(KUBE|CNI)-/ && / -j (KUBE|CNI)-/ { sub(/^-A/, "-D"); jumps = jumps $0 "\n" }
            END { if (remove) printf "*%s\n%s%s%sCOMMIT\n", table, jumps, flush, remove }
        ' | "$1-restore" -w --noflush
    done
}
if [ -f "$dir/host/filters" ]; then
    unfilter iptables
    unfilter ip6tables
fi

awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
    umount --lazy "$mount"
done
if [ -f "$dir/host/bridge" ]; then
    bridge=$(cat "$dir/host/bridge")
    iptables -w -D FORWARD -i "$bridge" -j ACCEPT
    ip link delete "$bridge"
fi
rm -f "/var/lib/cni/results/$tag-"*
find /var/log/containers -lname "$dir/*" -delete
while read -r setting; do sysctl -qw "$setting"; done <"$dir/host/settings"
while read -r path; do rm -rf "$path"; done <"$dir/host/folders"
# What a second try would need goes last, and only if all else is gone.
find "$dir" -mindepth 1 -maxdepth 1 ! -name host ! -name reaper.log -exec rm -rf {} + &&
    rm -rf "$dir"
