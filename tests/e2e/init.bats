# keel init: the first minute.

load helper

setup() {
    own_home
    export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
    own_home
    cd "$BATS_TEST_TMPDIR"
}

@test "without a question asked, with what is said and defaults for the rest" {
    mail box 1 Hello
    run keel init studio --from box --own-domain studio.example --currency CHF \
        --timezone Europe/Zurich --no-input
    [ "$status" -eq 0 ]
    has "workspace: $PWD/studio"
    has 'keel up --detach'
    grep -q '^currency: CHF$' studio/keel.yaml
    grep -q '^timezone: Europe/Zurich$' studio/keel.yaml
    grep -q "source: \"$PWD/box\"" studio/keel.yaml
    grep -q 'own_domains: \["studio.example"\]' studio/policies/starter.yaml
    grep -q 'CHF' studio/policies/starter.yaml
    [ -d studio/outbox/new ]
    [ "$(stat -c %a studio/.keel)" = 700 ]
    [ ! -e studio/.keel/approver.json ]
    cd studio
    run keel policy check
    [ "$status" -eq 0 ]
}

@test "an mbox file is its folder and its name" {
    mkdir mail
    printf 'From a@b Thu Jan  1 00:00:00 2026\n\nhi\n\n' >mail/mail.mbox
    run keel init w --from mail/mail.mbox --no-input
    [ "$status" -eq 0 ]
    grep -q "source: \"$PWD/mail\"" w/keel.yaml
    grep -q 'file: "mail.mbox"' w/keel.yaml
}

@test "mail whose folder holds the workspace" {
    printf 'From a@b Thu Jan  1 00:00:00 2026\n\nhi\n\n' >mail.mbox
    run keel init w --from mail.mbox --no-input
    [ "$status" -eq 2 ]
    has 'a folder of its own'
    run keel init w --from . --no-input
    [ "$status" -eq 2 ]
    has 'somewhere else'
    [ ! -e w/keel.yaml ]
}

@test "without mail there is a workspace that starts and reads none" {
    run keel init w --no-input
    [ "$status" -eq 0 ]
    has 'No mail is read yet'
    run keel -C w connection list
    [ "$status" -eq 0 ]
    has 'inbox'
    run keel -C w up --detach
    [ "$status" -eq 0 ]
    run keel -C w down
    [ "$status" -eq 0 ]
}

@test "asked on a terminal, with the passphrase twice, which is kept nowhere" {
    mail box 1 Hello
    run "$typist" 'Mail [' "$PWD/box" 'Own domains' 'studio.example' 'Sender [' 'Ada <ada@studio.example>' \
        'Currency [EUR]: ' '' 'Time zone [' 'Europe/Madrid' 'with (new): ' "$secret" \
        'again: ' "$secret" -- env MAIL=/dev/null keel init w
    [ "$status" -eq 0 ]
    lacks "$secret"
    [ "$(stat -c %a w/.keel/approver.json)" = 600 ]
    grep -Eq '^\{"name":"operator","public_key":"[0-9a-f]{64}","salt":"[0-9a-f]{32}"\}$' w/.keel/approver.json
    ! grep -rq "$secret" w
    grep -q '^currency: EUR$' w/keel.yaml
    grep -q 'from: "Ada <ada@studio.example>"' w/keel.yaml
}

@test "two passphrases that differ are asked for again, three times, and the workspace stays" {
    set -- --from '' --own-domain a.example --sender a@a.example --currency EUR --timezone UTC
    run "$typist" 'with (new): ' "$secret" 'again: ' 'another one' 'with (new): ' "$secret" \
        'again: ' "$secret" -- keel init w "$@"
    [ "$status" -eq 0 ]
    has 'differ'
    [ -e w/.keel/approver.json ]
    run "$typist" 'with (new): ' "$secret" 'again: ' 'another' 'with (new): ' "$secret" \
        'again: ' 'another' 'with (new): ' "$secret" 'again: ' 'another' -- keel init v "$@"
    [ "$status" -eq 4 ]
    [ ! -e v/.keel/approver.json ]
    has 'keel approver set'
    [ -e v/keel.yaml ]
}

@test "a passphrase that is too short is asked for again" {
    run "$typist" 'with (new): ' 'short' 'with (new): ' "$secret" 'again: ' "$secret" -- keel init w \
        --from '' --own-domain a.example --sender a@a.example --currency EUR --timezone UTC
    [ "$status" -eq 0 ]
    has 'at least 8'
    [ -e w/.keel/approver.json ]
}

@test "an answer that cannot be is asked for again at once" {
    run "$typist" 'Own domains' 'bad domain' 'Own domains' 'studio.example' 'Sender [' 'nobody' \
        'Sender [' 'a@studio.example' 'Currency [EUR]: ' 'euro' 'Currency [EUR]: ' 'CHF' \
        'Time zone [' 'Mars/X' 'Time zone [' 'UTC' 'with (new): ' "$secret" 'again: ' "$secret" \
        -- keel init w --from ''
    [ "$status" -eq 0 ]
    has 'no domain'
    has 'no mail address'
    has 'three capital letters'
    has 'no time zone'
    grep -q '^currency: CHF$' w/keel.yaml
}

@test "mail to any address of an own domain is the owner's" {
    mail box 1 'A question' # to ada@, and it is hello@ that sends
    keel init w --from box --own-domain studio.example --sender hello@studio.example --no-input
    grep -q 'addresses: \["hello@studio.example", "\*@studio.example"\]' w/keel.yaml
    keel -C w up --detach
    run keel -C w do triage
    keel -C w down
    [ "$status" -eq 3 ]
}

@test "the end of input is no answer: nothing is made" {
    run "$typist" 'Own domains' $'\004' -- keel init w --from ''
    [ "$status" -eq 1 ]
    has 'nothing was made'
    [ ! -e w/keel.yaml ]
}

@test "a new workspace where an old one was is not taken for a rollback" {
    keel init w --no-input
    keel -C w up --detach
    keel -C w down
    rm -rf w
    keel init w --no-input
    run keel -C w up --detach
    keel -C w down
    [ "$status" -eq 0 ]
}

@test "what is there is never overwritten" {
    keel init w --no-input
    echo '# mine' >>w/keel.yaml
    run keel init w --no-input
    [ "$status" -eq 1 ]
    has 'is a workspace already'
    grep -q '# mine' w/keel.yaml
}

@test "mail that is not there" {
    run keel init w --from nowhere --no-input
    [ "$status" -eq 6 ]
    has 'nowhere'
    has 'keel init --from'
    [ ! -e w/keel.yaml ]
}

@test "answers that cannot be" {
    run keel init w --currency euro --no-input
    [ "$status" -eq 2 ]
    has 'three capital letters'
    run keel init w --sender Ada --no-input
    [ "$status" -eq 2 ]
    has 'no mail address'
    run keel init w --timezone Mars/Crater --no-input
    [ "$status" -eq 2 ]
    has 'Mars/Crater'
    [ ! -e w/keel.yaml ]
    run keel init w --yes-policy nonesuch --no-input
    [ "$status" -eq 6 ]
}

@test "a dry run writes nothing" {
    run keel init w --dry-run --no-input
    [ "$status" -eq 0 ]
    has 'currency: EUR'
    [ ! -e w ]
}

@test "a policy that is there already stays" {
    mkdir -p w/policies
    printf 'version: 1\n# mine\n' >w/policies/starter.yaml
    run keel init w --no-input
    [ "$status" -eq 0 ]
    grep -q '# mine' w/policies/starter.yaml
}

@test "a mail account: its servers are those of the domain, or the provider's" {
    while IFS='|' read -r address imap smtp note; do
        rm -rf w
        run keel init w --mail "$address" --no-input
        [ "$status" -eq 0 ]
        has 'keel secret set mail-password'
        has 'keel connection test inbox'
        grep -q "imap: \"$imap\"" w/keel.yaml
        grep -q "smtp: \"$smtp\"" w/keel.yaml
        grep -q "user: \"$address\", password: { secret: mail-password }" w/keel.yaml
        [ -z "$note" ] || grep -q "^    # .*$note" w/keel.yaml
        [ ! -e w/outbox ]
        keel -C w policy check >/dev/null
        keel -C w connection list --json >/dev/null
    done <<'ROWS'
ada@studio.example|imaps://imap.studio.example:993|smtps://smtp.studio.example:465|
ada@gmail.com|imaps://imap.gmail.com:993|smtps://smtp.gmail.com:465|apppasswords
ada@Outlook.com|imaps://outlook.office365.com:993|smtp://smtp-mail.outlook.com:587|oauth2-refresh
ada@firm.onmicrosoft.com|imaps://imap.firm.onmicrosoft.com:993|smtps://smtp.firm.onmicrosoft.com:465|
ada@icloud.com|imaps://imap.mail.me.com:993|smtp://smtp.mail.me.com:587|app-specific
ada@fastmail.com|imaps://imap.fastmail.com:993|smtps://smtp.fastmail.com:465|app password
ada@gmx.de|imaps://imap.gmx.net:993|smtps://mail.gmx.net:465|turned on
ada@web.de|imaps://imap.web.de:993|smtp://smtp.web.de:587|turned on
ada@posteo.de|imaps://posteo.de:993|smtps://posteo.de:465|
ada@mailbox.org|imaps://imap.mailbox.org:993|smtps://smtp.mailbox.org:465|
ada@ionos.de|imaps://imap.ionos.de:993|smtps://smtp.ionos.de:465|
ada@strato.de|imaps://imap.strato.de:993|smtps://smtp.strato.de:465|
ada@yahoo.com|imaps://imap.mail.yahoo.com:993|smtps://smtp.mail.yahoo.com:465|app password
ada@zoho.eu|imaps://imap.zoho.eu:993|smtps://smtp.zoho.eu:465|app password
ROWS
}

@test "a mail account: what is said counts, and a provider's domain is not one's own" {
    run keel init w --mail ada@gmail.com --imap imap://localhost --smtp smtps://localhost:2465 --no-input
    [ "$status" -eq 0 ]
    grep -q 'imap: "imap://localhost"' w/keel.yaml
    grep -q 'smtp: "smtps://localhost:2465"' w/keel.yaml
    grep -q 'own_domains: \[\]' w/policies/starter.yaml
    run keel init v --mail ada@studio.example --no-input
    grep -q 'own: \["\*@studio.example"\]' v/keel.yaml
    grep -q 'own_domains: \["studio.example"\]' v/policies/starter.yaml
    run keel -C v up --detach
    [ "$status" -eq 0 ]
    has 'keel secret set mail-password'
    keel -C v down
}

@test "a mail account: options that cannot be" {
    while IFS='|' read -r code what words; do
        # shellcheck disable=SC2086
        run keel init w $words --no-input
        [ "$status" -eq "$code" ] || { printf '%s: %s\n%s\n' "$words" "$status" "$output" >&2; return 1; }
        has "$what"
        [ ! -e w/keel.yaml ]
    done <<'ROWS'
2|can only be one of them|--mail a@studio.example --from box
2|is no mail address|--mail studio.example
2|is no mail address|--mail @studio.example
2|is no mail address|--mail a@studio..example
2|and none is named|--imap imaps://imap.studio.example
2|and none is named|--from box --ca x.pem
2|is no address of such a server|--mail a@studio.example --imap smtps://imap.studio.example
2|is no address of such a server|--mail a@studio.example --imap imap.studio.example
2|is no address of such a server|--mail a@studio.example --smtp https://smtp.studio.example
6|no certificates at|--mail a@studio.example --ca nowhere.pem
ROWS
}

@test "a mail account: asked on a terminal, the password is kept and tried, and a failure loses nothing" {
    free=$("$KEEL_BUILD/tests/tools/freeport" 1)
    run "$typist" 'Mail [' ada@studio.example 'read from [imaps://imap.studio.example:993]' 'gopher://x' \
        'read from [' "imaps://localhost:$free" 'sent through [' "smtps://localhost:$free" \
        'Own domains [studio.example]' '' 'Sender [ada@studio.example]' '' 'Currency [EUR]: ' '' \
        'Time zone [' 'UTC' 'with (new): ' "$secret" 'again: ' "$secret" \
        'Password of ada@studio.example (not shown): ' 'fancy-password' -- env MAIL=/dev/null keel init w
    [ "$status" -eq 0 ]
    lacks fancy-password
    has 'is no address of such a server'
    has 'localhost:'"$free"' does not answer'
    has 'nothing is lost'
    has 'keel connection test inbox'
    [ "$(cat w/.keel/secrets/mail-password)" = fancy-password ]
    [ "$(stat -c %a w/.keel/secrets/mail-password)" = 600 ]
    ! grep -rq fancy-password w/keel.yaml w/policies
}

@test "a mail account: without a password there is a workspace, and the words that set it" {
    run "$typist" 'with (new): ' "$secret" 'again: ' "$secret" 'Password of ' '' -- keel init w \
        --mail a@studio.example --imap imaps://localhost:9 --smtp smtps://localhost:9 \
        --own-domain a.example --sender a@a.example --currency EUR --timezone UTC
    [ "$status" -eq 0 ]
    has 'keel secret set mail-password'
    [ -e w/keel.yaml ]
    [ ! -e w/.keel/secrets/mail-password ]
}
