#!/bin/sh
# Removes everything a test bed started, once the bed's process has closed this script's standard input:
# by dropping the bed, by a panic, by Ctrl-C, or by being killed.
# usage: reaper.sh DIR TAG
dir=$1
tag=$2
trap '' INT TERM HUP
cat >/dev/null
exec >"$dir/reaper.log" 2>&1
set -x

# A pid is trusted only while its command line names the bed's folder: pids are used again.
alive() { grep -qs -- "$dir" "/proc/$1/cmdline"; }
stop() {
    [ -f "$dir/$1.pid" ] || return 0
    pid=$(cat "$dir/$1.pid")
    alive "$pid" && kill -TERM "$pid"
    for _ in $(seq 100); do alive "$pid" || return 0; sleep 0.1; done
    kill -KILL "$pid"
}

stop haproxy
if [ -f "$dir/engine" ]; then
    DOCKER_HOST=$(cat "$dir/engine")
    export DOCKER_HOST
    [ -f "$dir/swarm" ] && docker swarm leave --force
    own=$(docker ps -aq --filter "label=rollout.bed=$tag")
    on_network=$(docker ps -aq --filter "network=$tag")
    [ -f "$dir/dockerd.pid" ] && own=$(docker ps -aq) && on_network=
    # Word splitting is wanted: one argument per id.
    [ -n "$own$on_network" ] && docker rm --force --volumes $own $on_network
    networks=$(docker network ls -q --filter "label=rollout.bed=$tag")
    [ -f "$dir/swarm" ] && networks="$networks rollout-swarm docker_gwbridge"
    [ -f "$dir/dockerd.pid" ] && networks="$networks $(docker network ls -q --filter type=custom)"
    for network in $networks; do docker network rm "$network"; done
    volumes=$(docker volume ls -q --filter "name=$tag")
    [ -n "$volumes" ] && docker volume rm --force $volumes
    images=$(docker images -q --filter "label=rollout.bed=$tag" | sort -u)
    [ -n "$images" ] && docker rmi --force $images
fi
stop dockerd
[ -f "$dir/bridge" ] && ip link delete "$(cat "$dir/bridge")"
awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
    umount --lazy "$mount"
done
rm -rf "$dir"
