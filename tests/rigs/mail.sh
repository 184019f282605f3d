# A mail provider for tests: exim takes mail (implicit TLS and STARTTLS, login needed) and hands it by
# LMTP to Dovecot, which serves it by IMAP. Sourced after common.sh and rig_begin.
# shellcheck shell=sh disable=SC2154
#
#   rig_mail_start             then $imap $imaps $smtp $smtps are ports; the login is $owner, $secret
#   rig_mail_restart NAME      dovecot or exim, after rig_kill or rig_stop
#   rig_mail_put USER FILE     a message as if it had just come
#   rig_mail_files USER [FOLDER]   the files of a mailbox; INBOX without a folder
#   rig_mail_count USER [FOLDER]   how many they are
#   rig_mail_ids USER [FOLDER]     their Message-IDs, one a line, sorted, as often as they are there
#   rig_mail_taken USER [FOLDER]   the same, as often as exim took them from a client: exim itself
#                                  hands one on twice when it is killed between LMTP and its journal
#   rig_mail_settled           until exim has handed on all that it took, half a minute at most
#
# Everybody at test.local has a mailbox. full@ is refused for good, slow@ for now; a subject with
# "spam" is refused after the text, one with "tight" for now, one with "slowly" is taken a second late.

rig_here=${rig_here:-$(CDPATH='' cd -- "${BATS_TEST_DIRNAME:-.}/../rigs" && pwd)}

rig_mail_start() {
    owner=me
    secret=${1:-correct-horse-battery-staple}
    rig_tries=5
    rig_folder "$RIG_DIR/dovecot/run" "$RIG_DIR/dovecot/state" "$RIG_DIR/mail" \
        "$RIG_DIR/exim/spool" "$RIG_DIR/dovecot" "$RIG_DIR/exim"
    while [ "$rig_tries" -gt 0 ]; do
        rm -f "$RIG_DIR/ports"
        printf 'owner=%s\nsecret=%s\n' "$owner" "$secret" >"$RIG_DIR/ports"
        rig_ports imap imaps smtp smtps lmtp || return 1
        for rig_server in dovecot exim; do
            rig_fill "$rig_here/$rig_server.conf" "$RIG_DIR/$rig_server.conf"
        done
        if rig_mail_restart dovecot && rig_mail_restart exim; then
            return 0
        fi
        rig_kill dovecot
        rig_kill exim
        rig_tries=$((rig_tries - 1))
    done
    cat "$RIG_DIR"/*.out "$RIG_DIR/dovecot/log" "$RIG_DIR/exim/"*log >&2
    return 1
}

# The queue is looked at every second: -q with a time of its own, in a process beside the daemon's.
# Who was killed while it made a mailbox has left a lock in it (dovecot.index.log.newlock) that Dovecot
# itself waits three minutes for.
rig_mail_restart() {
    rig_load
    case $1 in
    dovecot)
        find "$RIG_DIR/mail" -type f -name '*lock' -delete
        rig_run dovecot /usr/sbin/dovecot -F -c "$RIG_DIR/dovecot.conf" &&
            rig_until 300 rig_speaks "$imaps"
        ;;
    exim)
        rig_run exim /usr/sbin/exim4 -C "$RIG_DIR/exim.conf" -bdf -q1s &&
            rig_until 300 rig_speaks "$smtps"
        ;;
    *) return 1 ;;
    esac
}

rig_mail_settled() {
    rig_until 300 rig_queue_empty || {
        echo 'exim has not handed on all that it took:'
        tail -n 30 "$RIG_DIR/exim/mainlog" "$RIG_DIR/dovecot/log"
        return 1
    } >&2
}

rig_queue_empty() {
    [ "$(/usr/sbin/exim4 -C "$RIG_DIR/exim.conf" -bpc)" = 0 ]
}

# rig_speaks PORT: it shakes hands in TLS.
rig_speaks() {
    timeout 5 openssl s_client -connect "127.0.0.1:$1" -CAfile "$RIG_DIR/ca.pem" \
        -verify_return_error -brief </dev/null
}

rig_mail_folder() {
    case ${2:-INBOX} in
    INBOX) echo "$RIG_DIR/mail/$1" ;;
    *) echo "$RIG_DIR/mail/$1/.$2" ;;
    esac
}

rig_mail_files() {
    find "$(rig_mail_folder "$@")/new" "$(rig_mail_folder "$@")/cur" -maxdepth 1 -type f \
        2>/dev/null | sort
}

rig_mail_count() {
    rig_mail_files "$@" | grep -c . || :
}

rig_mail_ids() {
    rig_mail_files "$@" | while read -r rig_file; do
        sed -n '/^\r*$/q; s/^Message-I[dD]: *<\([^>]*\)>.*/\1/p' "$rig_file"
    done | sort
}

# exim's number of the message stands in the Received line that it has added.
rig_mail_taken() {
    rig_mail_files "$@" | while read -r rig_file; do
        sed -n '/^\r*$/q; /with esmtpsa/,/;/s/^.*id \([0-9A-Za-z-]*\);.*/\1/p
            s/^Message-I[dD]: *<\([^>]*\)>.*/\1/p' "$rig_file" | paste -s -d ' '
    done | sort -u | cut -d ' ' -f 2 | sort
}

rig_mail_put() {
    rig_folder "$RIG_DIR/mail/$1" "$RIG_DIR/mail/$1/new" "$RIG_DIR/mail/$1/cur" \
        "$RIG_DIR/mail/$1/tmp"
    rig_n=$((${rig_n:-0} + 1))
    cp "$2" "$RIG_DIR/mail/$1/tmp/$(date +%s).M$$P$rig_n.rig" &&
        rig_folder "$RIG_DIR/mail/$1/tmp" &&
        mv "$RIG_DIR/mail/$1/tmp/"*"P$rig_n.rig" "$RIG_DIR/mail/$1/new/"
}
