#!/bin/bash
# Starts memfisd on a mount point and with a directory to preload whose names are not UTF-8, shows a page on the mount, and
# counts mounts that stay and lines of the log with the name.
#
# usage: foreign_name.sh DIRECTORY PROGRAM HELPER PORT WAY
# WAY is evaluated: words that tell a start the names in $mount and $site.
cd "$1" || exit 1
program=$2 helper=$3 way=$5
# With the mount the daemon ends.
export MEMFISD_PORT=$4 MEMFISD_MEMORY_LIMIT=16 MEMFISD_EXIT_ON_UNMOUNT=yes

mount=$PWD/$'mp\xff\xc3\xa9'
site=$PWD/$'pr\xe9'
mkdir "$mount" "$site"
echo page >"$site/page"

eval "$way" >log 2>&1 &
for _ in $(seq 300); do
    [ ! -f "$mount/page" ] || break
    sleep 0.1
done
cat "$mount/page" log | head -1
# Without a mount nothing would end what was started: this ends the whole group.
umount "$mount" || kill 0
wait
for _ in $(seq 100); do
    grep -q "$PWD" /proc/self/mountinfo || break
    sleep 0.1
done
grep -c "$PWD" /proc/self/mountinfo
grep -ca "mounted at $mount" log
