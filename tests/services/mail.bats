# A mail account on a real exim and Dovecot, through the kernel, an executor and egress.

load helper

setup_file() {
    own_home
    rig_begin $$
    rig_mail_start
    export W=$BATS_FILE_TMPDIR/studio
    mail_workspace "$W"
    for n in 1 2 3 4 5 6; do
        sed "s/^Message-ID: .*/Message-ID: <m$n@client.example>/I" \
            "$BATS_TEST_DIRNAME/../mail/plain.eml" >"$BATS_FILE_TMPDIR/one.eml"
        rig_mail_put "$owner" "$BATS_FILE_TMPDIR/one.eml"
    done
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

@test "six mails are read by cursor, three pages of two, and none is marked as read" {
    run keel do clerk --json
    [ "$status" -eq 0 ]
    has '"pages":3'
    has '"ids":["m1@client.example","m2@client.example","m3@client.example","m4@client.example","m5@client.example","m6@client.example"]'
    [ -z "$(rig_mail_files "$owner" | grep ',[A-Z]*S[A-Z]*$')" ]
}

@test "a mail is sent: it arrives once, and its copy goes to the sent mail, not to the reader" {
    run keel do clerk to=bea@test.local subject=Hello --json
    [ "$status" -eq 0 ]
    id=$(sed -n 's/.*"id":"\(keel[^"]*\)".*/\1/p' <<<"$output" | tail -n 1)
    [ -n "$id" ]
    rig_mail_settled
    [ "$(rig_mail_ids bea)" = "$id" ]
    run keel do clerk --json
    has '"m6@client.example"]'
    [ "$(rig_mail_ids "$owner" Sent)" = "$id" ]
    [ "$(rig_mail_count "$owner")" -eq 6 ]
}

@test "one refused recipient: nobody gets it, and the words of the server are told" {
    before=$(rig_mail_count bea)
    run keel do clerk to=bea@test.local cc=full@test.local subject=Both
    has 'refused full@test.local: 550 mailbox full. Nothing was sent to anybody'
    run keel do clerk to=bea@test.local 'subject=this is spam'
    has '550 that is spam'
    rig_mail_settled
    [ "$(rig_mail_count bea)" -eq "$before" ]
}

@test "what is refused for now is tried again, and then given up as not sent" {
    run keel do clerk to=slow@test.local subject=Later
    has '451 try later'
    has 'unavailable'
    [ "$(rig_mail_count slow)" -eq 0 ]
}

@test "a draft lies in its folder, and nobody got it" {
    before=$(rig_mail_count bea)
    run keel do clerk to=bea@test.local subject=Draft draft=true
    [ "$status" -eq 0 ]
    [ "$(rig_mail_count "$owner" Drafts)" -eq 1 ]
    [ "$(rig_mail_count bea)" -eq "$before" ]
}

@test "the password stands nowhere but in its file" {
    found=$(grep -rlaF "$secret" "$W" || true)
    [ "$found" = "$W/.keel/secrets/mail-password" ]
}

@test "the same account by STARTTLS, and a wrong password is told" {
    keel -q down
    mail_workspace "$W" "imap://localhost:$imap" "smtp://localhost:$smtp"
    start_kernel "$W"
    run keel do clerk to=cora@test.local subject=Starttls
    [ "$status" -eq 0 ]
    rig_mail_settled
    [ "$(rig_mail_count cora)" -eq 1 ]
    printf wrong | keel -q secret set mail-password
    run keel do clerk to=cora@test.local subject=Wrong
    has 'denied'
    rig_mail_settled
    [ "$(rig_mail_count cora)" -eq 1 ]
}

@test "its record is whole" {
    run keel audit verify
    [ "$status" -eq 0 ]
    has 'records verified'
}
