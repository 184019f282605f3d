# Real servers for tests: started without privileges on free ports of 127.0.0.1, in a folder of
# their own below /tmp, with a CA of their own. Sourced by the rigs beside this file.
# shellcheck shell=sh
#
#   rig_begin            makes the folder and sets RIG_DIR; the rig ends with this shell's test
#   rig_end              ends all of it and removes the folder
#   rig_kill NAME        kill -9 of a server and all its processes
#   rig_stop NAME        TERM, as an administrator stops it
#   rig_pid NAME
#
# Started by root, the servers run as nobody. A watchman ends them when the process that called
# rig_begin is gone, however it went.

# rig_begin [OWNER_PID]: the rig lives as long as that process; of bats' setup_file, $PPID.
rig_begin() {
    RIG_DIR=$(mktemp -d /tmp/keel-rig-XXXXXX) || return 1
    export RIG_DIR
    chmod 755 "$RIG_DIR"
    mkdir "$RIG_DIR/pids"
    if [ "$(id -u)" -eq 0 ]; then
        rig_user=nobody
        chown nobody "$RIG_DIR"
    else
        rig_user=$(id -un)
    fi
    export rig_user
    rig_certificates || return 1
    rig_watch "${1:-$$}"
}

rig_certificates() (
    cd "$RIG_DIR" || exit 1
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 \
        -subj '/CN=the CA of a test' -addext basicConstraints=critical,CA:TRUE 2>/dev/null &&
        openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr \
            -subj /CN=localhost 2>/dev/null &&
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext &&
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
            -extfile server.ext -out server.pem 2>/dev/null || exit 1
    [ "$rig_user" != nobody ] || chown nobody server.key server.pem
)

# Every second, so that nothing outlives its test by more than that. Closes what bats waits for.
rig_watch() {
    # shellcheck disable=SC2016
    setsid sh -c '
        while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 1; done
        for f in "$2"/pids/*; do
            [ ! -f "$f" ] || kill -s KILL -- "-$(cat "$f")"
        done
        rm -rf "$2"' rig-watch "$1" "$RIG_DIR" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
}

# rig_run NAME COMMAND...: as the leader of a group of its own, which is what is killed.
rig_run() {
    rig_name=$1
    shift
    if [ "$rig_user" = nobody ] && [ "$(id -u)" -eq 0 ]; then
        set -- setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" --clear-groups "$@"
    fi
    # shellcheck disable=SC2016
    setsid sh -c 'echo $$ >"$1"; shift; exec "$@"' rig "$RIG_DIR/pids/$rig_name" "$@" \
        >>"$RIG_DIR/$rig_name.out" 2>&1 </dev/null 3>&- 4>&- &
    rig_until 300 test -s "$RIG_DIR/pids/$rig_name"
}

# rig_until TENTHS COMMAND...: until it holds.
rig_until() {
    rig_left=$1
    shift
    until "$@" >/dev/null 2>&1; do
        rig_left=$((rig_left - 1))
        [ "$rig_left" -gt 0 ] || return 1
        sleep 0.1
    done
}

rig_pid() {
    cat "$RIG_DIR/pids/$1"
}

rig_gone() {
    ! kill -s 0 -- "-$1"
}

rig_kill() {
    [ -f "$RIG_DIR/pids/$1" ] || return 0
    rig_group=$(rig_pid "$1")
    kill -s KILL -- "-$rig_group" 2>/dev/null
    rig_until 50 rig_gone "$rig_group"
    rm -f "$RIG_DIR/pids/$1"
}

rig_stop() {
    [ -f "$RIG_DIR/pids/$1" ] || return 0
    rig_group=$(rig_pid "$1")
    kill -s TERM -- "-$rig_group" 2>/dev/null
    rig_until 50 rig_gone "$rig_group"
    rig_kill "$1"
}

rig_end() {
    [ -n "${RIG_DIR:-}" ] && [ -d "$RIG_DIR/pids" ] || return 0
    for rig_file in "$RIG_DIR"/pids/*; do
        [ ! -f "$rig_file" ] || rig_kill "$(basename "$rig_file")"
    done
    rm -rf "$RIG_DIR"
}

# rig_port VARIABLE...: a free port for each, kept in RIG_DIR/ports and set.
rig_ports() {
    for rig_port in $("${KEEL_BUILD:?the build folder}/tests/tools/freeport" $#); do
        printf '%s=%s\n' "$1" "$rig_port" >>"$RIG_DIR/ports"
        shift
    done
    rig_load
}

rig_load() {
    # shellcheck disable=SC1091
    . "$RIG_DIR/ports"
}

# rig_fill TEMPLATE FILE: the words @like_this@ from RIG_DIR/ports, and who and where the rig is.
rig_fill() {
    {
        cat "$RIG_DIR/ports"
        printf 'DIR=%s\nUSER=%s\nGROUP=%s\nUID=%s\nGID=%s\n' "$RIG_DIR" "$rig_user" \
            "$(id -gn "$rig_user")" "$(id -u "$rig_user")" "$(id -g "$rig_user")"
    } | sed 's,^\([A-Za-z]*\)=\(.*\),s#@\1@#\2#g,' >"$RIG_DIR/fill.sed"
    sed -f "$RIG_DIR/fill.sed" "$1" >"$2"
}

rig_folder() {
    mkdir -p "$@"
    [ "$(id -u)" -ne 0 ] || chown -R nobody "$@"
}
