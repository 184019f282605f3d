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
