# WebDAV for tests: nginx (PUT, DELETE, MKCOL, COPY, MOVE, listings in JSON) over HTTP and HTTPS, and
# Radicale (CalDAV, CardDAV, with ETags) where it is installed. Sourced after common.sh and rig_begin.
# shellcheck shell=sh disable=SC2154
#
#   rig_dav_start [SECRET]     then $dav, $davs and $radicale are ports; the login is $owner, $secret
#   rig_dav_restart NAME       nginx or radicale, after rig_kill or rig_stop
#   rig_dav_files              what lies in nginx's folder, one path a line
#   rig_radicale_has           whether Radicale is installed
#
# nginx logs each request in $RIG_DIR/nginx/access; its files lie below $RIG_DIR/dav.

rig_here=${rig_here:-$(CDPATH='' cd -- "${BATS_TEST_DIRNAME:-.}/../rigs" && pwd)}

rig_radicale_has() {
    command -v radicale >/dev/null 2>&1
}

rig_dav_start() {
    owner=me
    secret=${1:-correct-horse-battery-staple}
    rig_tries=5
    mkdir -p "$RIG_DIR/nginx" "$RIG_DIR/radicale"
    printf '%s:%s\n' "$owner" "$(openssl passwd -6 "$secret")" >"$RIG_DIR/nginx/users"
    printf '%s:%s\n' "$owner" "$secret" >"$RIG_DIR/radicale/users"
    rig_folder "$RIG_DIR/nginx" "$RIG_DIR/nginx/tmp" "$RIG_DIR/dav" "$RIG_DIR/radicale/data" \
        "$RIG_DIR/radicale"
    while [ "$rig_tries" -gt 0 ]; do
        printf 'owner=%s\nsecret=%s\n' "$owner" "$secret" >"$RIG_DIR/ports"
        rig_ports dav davs radicale || return 1
        for rig_server in nginx radicale; do
            rig_fill "$rig_here/$rig_server.conf" "$RIG_DIR/$rig_server.conf"
        done
        if rig_dav_restart nginx && { ! rig_radicale_has || rig_dav_restart radicale; }; then
            return 0
        fi
        rig_kill nginx
        rig_kill radicale
        rig_tries=$((rig_tries - 1))
    done
    cat "$RIG_DIR"/*.out "$RIG_DIR/nginx/log" >&2
    return 1
}

rig_dav_restart() {
    rig_load
    case $1 in
    nginx)
        rig_run nginx /usr/sbin/nginx -e "$RIG_DIR/nginx/log" -c "$RIG_DIR/nginx.conf" &&
            rig_until 100 rig_listens "$dav"
        ;;
    radicale)
        rig_run radicale radicale --config "$RIG_DIR/radicale.conf" &&
            rig_until 200 rig_listens "$radicale"
        ;;
    *) return 1 ;;
    esac
}

# rig_listens PORT: something takes connections there.
rig_listens() {
    grep -qi "^ *[0-9]*: 0100007F:$(printf '%04X' "$1") 00000000:0000 0A" /proc/net/tcp
}

rig_dav_files() {
    (cd "$RIG_DIR/dav" && find . -type f | sed 's,^\./,,' | sort)
}
