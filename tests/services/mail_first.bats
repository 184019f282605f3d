# A real mailbox, as the connector's page has it: its commands on a real exim and Dovecot, and what they say
# when something is wrong. What differs from the page are the servers' names, ports and certificates.

load helper
load ../e2e/pages

setup_file() {
    own_home
    rig_begin $$
    rig_mail_start
    cat >"$BATS_FILE_TMPDIR/one.eml" <<MAIL
From: Bea Client <bea@test.local>
To: Me <$owner@test.local>
Subject: A website for the bakery
Date: Mon, 02 Nov 2026 10:00:00 +0000
Message-ID: <bakery-1@client.example>
Content-Type: text/plain; charset=utf-8

Dear Ada,

could you send me a quote for a website with five pages?

Bea
MAIL
    rig_mail_put "$owner" "$BATS_FILE_TMPDIR/one.eml"
    echo "$HOME" >"$BATS_FILE_TMPDIR/place"
}

teardown_file() {
    stop_kernel "$HOME/studio"
    rig_end
}

setup() {
    own_home
    rig_load
    typist=$KEEL_BUILD/tests/tools/typist
    approve_with='correct horse battery'
    W=$HOME/studio
    page_root=$BATS_TEST_TMPDIR
}

page_answers() {
    case $1 in
    'keel init '*) answers=('read from [' "imaps://localhost:$imaps" 'sent through [' "smtps://localhost:$smtps"
        'Own domains [' studio.example 'Sender [' "Ada Owner <$owner@test.local>" 'Currency [EUR]: ' ''
        'Time zone [' Europe/Madrid 'with (new): ' "$approve_with" 'again: ' "$approve_with"
        'Password of ' "$secret") ;;
    'keel approve '*) answers=('Passphrase of operator: ' "$approve_with") ;;
    *) answers=() ;;
    esac
}

@test "a real mailbox: the page" {
    sed -e "s#^\\\$ keel init .*#& --ca $RIG_DIR/ca.pem#" \
        -e 's#^Mail is \(.*\)://\([a-z]*\).studio.example:\([0-9]*\)\]:#Mail is \1://\2.test.local:\3]: \2@@#' \
        -e "s#imap@@#imaps://localhost:$imaps#;s#smtp@@#smtps://localhost:$smtps#" \
        -e "s#imap.studio.example:993#localhost:$imaps#g;s#smtp.studio.example:465#localhost:$smtps#g" \
        -e 's#203.0.113.7 is a public address#127.0.0.1 is a private address#' \
        -e 's#^Own domains.*#Own domains [test.local]: studio.example#' \
        -e "s#ada@studio.example#$owner@test.local#g;s#bea@client.example#bea@test.local#g" \
        "$BATS_TEST_DIRNAME/../../plugins/mail/README.md" >"$page_root/page.md"
    follow page.md 'A real mailbox'
    rig_mail_settled
    [ "$(rig_mail_count bea)" -eq 1 ]
    grep -q '^Subject: Re: A website for the bakery' "$(rig_mail_files bea)"
    [ "$(grep -rlaF "$secret" "$W")" = "$W/.keel/secrets/mail-password" ]
    [ "$(stat -c %a "$W/.keel/secrets/mail-password")" = 600 ]
}

@test "beside a running kernel, for programs too" {
    cd "$W"
    run keel connection test inbox --json
    [ "$status" -eq 0 ]
    has '{"next":"","step":"login","verdict":"ok","what":"localhost:'
    has '{"next":"","step":"read","verdict":"ok","what":"message: one came"}'
    [ -z "$(rig_mail_files "$owner" | grep ',[A-Z]*S[A-Z]*$')" ]
}

@test "a login that is refused is told where a person looks, until it works again" {
    cd "$W"
    run keel
    ! grep -q warning <<<"$output"
    printf not-that-one | keel -q secret set mail-password
    run keel connection test inbox
    [ "$status" -eq 4 ]
    has "fail  login      localhost:$imaps refuses the login"
    has 'keel secret test'
    ! grep -q '  read ' <<<"$output"
    keel -q down # which ends the session that is logged in
    start_kernel "$W"
    run keel do triage
    run keel
    has "warning: inbox: "
    has "localhost:$imaps refuses the login"
    has 'next: keel connection test inbox'
    run keel --json
    has '"trouble":"'
    run keel inbox
    has "localhost:$imaps refuses the login"
    run keel connection list
    has 'running'
    has 'refuses the login'
    ! grep -q "$secret" <<<"$output"
    printf '%s' "$secret" | keel -q secret set mail-password
    run keel do triage
    run keel
    ! grep -q warning <<<"$output"
}

# fails STEP EXIT TEXT: `keel connection test` of the workspace in the current folder.
fails() {
    run keel connection test inbox
    [ "$status" -eq "$2" ] || { printf 'status %s\n%s\n' "$status" "$output" >&2; return 1; }
    grep -q "^fail  $1 " <<<"$output" || { printf 'no fail of %s:\n%s\n' "$1" "$output" >&2; return 1; }
    has "$3"
}

@test "what is wrong is told at its step" {
    cd "$BATS_TEST_TMPDIR"
    keel -q init w --mail "$owner@test.local" --imap "imaps://localhost:$imaps" \
        --smtp "smtps://localhost:$smtps" --no-input
    cd w
    fails secret 4 'keel secret set mail-password'
    printf '%s' "$secret" | keel -q secret set mail-password
    fails server 1 'is not trusted'
    has 'tls: { ca: FILE }'
    printf '    tls: { ca: "%s" }\n' "$RIG_DIR/ca.pem" >>keel.yaml
    run keel connection test inbox
    [ "$status" -eq 0 ]
    cp keel.yaml good
    sed "s#localhost:$smtps#localhost:$("$KEEL_BUILD/tests/tools/freeport" 1)#" good >keel.yaml
    fails server 1 'does not answer'
    sed "s#localhost:$smtps#nowhere.invalid:465#" good >keel.yaml
    fails address 1 'does not resolve'
    sed "s#localhost:$smtps#169.254.169.254:465#" good >keel.yaml
    fails address 1 'No connection of Keel'
    sed 's#own: .*#own: no#' good >keel.yaml
    fails config 1 'must be a list of your addresses'
    sed 's#kind: sasl-plain, user: [^,]*, password#kind: bearer, token#' good >keel.yaml
    fails auth 1 'is no login for the streams of a mail server'
    cp good keel.yaml
    printf 'version: 1\negress: [{ on: inbox, to: ["imaps://*.example:993"] }]\n' >policies/net.yaml
    fails address 1 'does not list it'
}
