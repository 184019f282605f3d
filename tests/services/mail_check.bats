# The conformance kit on the mail connector, with a real exim and Dovecot as its outside.

load helper

setup_file() {
    own_home
    rig_begin $$
    rig_mail_start
    export P=$BATS_FILE_TMPDIR/mail
    cp -r "$(dirname "$(command -v keel)")/../share/keel/plugins/mail" "$P"
    cat >"$P/check.yaml" <<YAML
config:
  imap: "imaps://localhost:$imaps"
  smtp: "smtps://localhost:$smtps"
  from: "Ada Owner <$owner@test.local>"
  arrive_s: 2
auth: { kind: sasl-plain, user: $owner, password: { secret: mail-password } }
ca: "$RIG_DIR/ca.pem"
secrets: { mail-password: "$secret" }
state: [ sh, state.sh ]
cases:
  - resource: message
    write: { to: bea@test.local, subject: Hello, body: text }
    read: { limit: 2 }
  - resource: draft
    write: { to: bea@test.local, subject: Hello, body: text }
YAML
    # Which messages the recipient and the folder of drafts have, once exim holds none any more.
    cat >"$P/state.sh" <<SH
n=300
while [ -n "\$(find "$RIG_DIR/exim/spool/input" -type f 2>/dev/null)" ] && [ \$n -gt 0 ]; do
    sleep 0.1
    n=\$((n - 1))
done
for folder in "$(rig_mail_folder bea)" "$(rig_mail_folder "$owner" Drafts)"; do
    find "\$folder/new" "\$folder/cur" -type f 2>/dev/null | while read -r file; do
        sed -n "s,^Message-Id: ,\$folder ,Ip" "\$file"
    done
done | sort
SH
}

teardown_file() {
    rig_end
}

setup() {
    own_home
}

@test "it passes the kit: what is sent and drafted, again under the same key, found and taken back" {
    cd "$BATS_TEST_TMPDIR"
    run keel connector check "$P"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has ' 0 failed'
    for check in 'read.cursor of message' 'same_key of message' 'reconcile of message' \
        'leaks of message' 'reconcile of draft' 'compensate of draft'; do
        grep "^ok [0-9]* - $check" <<<"$output" | grep -qv '# SKIP'
    done
}
