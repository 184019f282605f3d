# A person is told by mail, through the command of a real exim: it lies in a real mailbox, whole.

load helper

setup_file() {
    own_home
    rig_begin $$
    rig_mail_start
    export W=$HOME/office
    mkdir -p "$W/policies"
    cat >"$W/keel.yaml" <<YAML
version: 1
name: office
notify:
  operator: { mail: { to: $owner@test.local, from: keel@test.local, program: [/usr/sbin/exim4, -C, "$RIG_DIR/exim.conf"] } }
  nobody: { mail: { to: x@elsewhere.example, program: [/usr/sbin/exim4, -C, "$RIG_DIR/no.conf"] } }
YAML
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
    rig_end
}

setup() {
    own_home
    rig_load
    cd "$W"
}

arrived() {
    [ "$(rig_mail_count "$owner")" -eq "$1" ]
}

@test "a mail arrives, once, with its words" {
    keel notify test operator
    rig_until 300 arrived 1
    file=$(rig_mail_files "$owner")
    grep -q '^Subject: Keel, office: a test' "$file"
    grep -q "^To: <$owner@test.local>" "$file"
    grep -q '^From: <keel@test.local>' "$file"
    grep -q '^Auto-Submitted: auto-generated' "$file"
    grep -q '^This is how operator is told when something waits for you.' "$file"
    grep -q '^Look: keel inbox' "$file"
    sleep 1
    arrived 1
}

@test "what the mail program says of a failure is told" {
    run keel notify test nobody
    [ "$status" -eq 1 ]
    case $output in *'nobody was not told: it exited with 1: '*) ;; *) echo "$output" >&2; return 1 ;; esac
}
