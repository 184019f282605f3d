# keel secret: kept for its owner alone, never shown, never taken from the command line.

load helper

setup() {
    export HOME=$BATS_TEST_TMPDIR/home XDG_STATE_HOME=$BATS_TEST_TMPDIR/state TZ=UTC LC_ALL=C.UTF-8 NO_COLOR=1
    unset CREDENTIALS_DIRECTORY
    W=$BATS_TEST_TMPDIR/studio
    mkdir -p "$HOME" "$W"
    cd "$W"
    cat >keel.yaml <<'YAML'
version: 1
connections:
  billing:
    use: com.example.billing@1
    auth: { kind: bearer, token: { secret: billing } }
  inbox:
    use: com.example.mail@1
    auth: { kind: oauth2-refresh, token_url: https://id.example/t, client_id: me, client_secret: { secret: client },
      refresh_token: { secret: refresh } }
  archive:
    use: com.example.mail@1
    auth: { kind: sasl-plain, user: ada, password: { secret: mail } }
secrets:
  mail: { command: [printf, "from-the-command\n"] }
  vault: { credential: vault }
YAML
}

# refused STATUS WHAT NEXT COMMAND...
refused() {
    local want=$1 what=$2 next=$3
    shift 3
    run timeout 20 "$@"
    [ "$status" -eq "$want" ] || { printf '%s: %s, not %s:\n%s\n' "$*" "$status" "$want" "$output" >&2; return 1; }
    has "$what"
    has "$next"
    lacks hunter2
}

set_secret() {
    printf '%s' "$2" | keel secret set "$1" 2>/dev/null
}

@test "a value is piped in, kept for its owner alone, and never shown" {
    run keel secret set billing <<<'hunter2-and-more'
    [ "$status" -eq 0 ]
    has 'The secret billing is set: 16 bytes in .keel/secrets, for you alone.'
    has 'Used by billing, from the next request on.'
    lacks hunter2
    [ "$(stat -c %a .keel .keel/secrets .keel/secrets/billing | tr '\n' ' ')" = '700 700 600 ' ]
    [ "$(cat .keel/secrets/billing)" = hunter2-and-more ]
    run keel secret test billing
    [ "$output" = 'billing: 16 bytes, from the file .keel/secrets/billing' ]
    run keel secret test billing --json
    [ "$output" = '{"bytes":16,"from":"file","name":"billing","notes":[]}' ]
    ! grep -rlaq hunter2 .keel --exclude-dir=secrets
}

@test "a value is typed twice, and not echoed" {
    run "$typist" 'Value of billing' hunter2-typed 'again: ' hunter2-typed -- keel secret set billing
    [ "$status" -eq 0 ]
    lacks hunter2
    [ "$(cat .keel/secrets/billing)" = hunter2-typed ]
    run "$typist" 'Value of billing' hunter2-typed 'again: ' hunter2-other -- keel secret set billing
    [ "$status" -eq 4 ]
    has 'The two values differ: nothing was set.'
    lacks hunter2
    [ "$(cat .keel/secrets/billing)" = hunter2-typed ]
    run "$typist" 'Value of billing' '' -- keel secret set billing
    [ "$status" -eq 4 ]
    has 'No value was given'
    # longer than a passphrase may be: tokens are
    long=$(printf 'x%.0s' {1..3000})
    run "$typist" 'Value of billing' "$long" 'again: ' "$long" -- keel secret set billing
    [ "$status" -eq 0 ]
    [ "$(cat .keel/secrets/billing)" = "$long" ]
}

@test "a value is never taken from an argument" {
    refused 2 'not taken from the command line' 'pass show x | keel secret set billing' \
        keel secret set billing hunter2
    refused 2 'not taken from the command line' 'keel secret set NAME' keel secret set billing=hunter2
    [ ! -e .keel/secrets/billing ]
}

@test "what cannot be kept is refused, and nothing is changed" {
    set_secret billing hunter2-first
    refused 2 'gave nothing' 'command before the pipe' keel secret set billing </dev/null
    refused 2 'is empty' 'Nothing was changed' keel secret set billing < <(printf '\n')
    refused 2 'has a NUL' 'Nothing was changed' keel secret set billing < <(printf 'hunter2\0x')
    refused 2 'longer than 16384' 'Nothing was changed' keel secret set billing < <(yes | head -c 16386)
    refused 2 'no name of a secret' 'small letters' keel secret set ../x < <(printf hunter2)
    refused 2 'no name of a secret' 'small letters' keel secret set Billing < <(printf hunter2)
    refused 2 'where the secret `mail` comes from' 'Change it there' keel secret set mail < <(printf hunter2)
    refused 2 'where the secret `mail` comes from' 'Change it there' keel secret remove mail
    run "$typist" -- keel --no-input secret set billing
    [ "$status" -eq 4 ]
    has 'Pipe it into'
    [ "$(cat .keel/secrets/billing)" = hunter2-first ]
    run keel --dry-run secret set billing <<<hunter2-second
    [ "$status" -eq 0 ]
    has 'would be set'
    [ "$(cat .keel/secrets/billing)" = hunter2-first ]
}

@test "short ones and strange ones are told of" {
    run keel secret set billing <<<abcde
    [ "$status" -eq 0 ]
    has 'answers that quote it are not covered up'
    run keel secret set billing <<<1234567
    has 'It is short'
    while IFS='|' read -r value note; do
        # shellcheck disable=SC2059
        printf "$value" | keel secret set billing 2>/dev/null
        run keel secret test billing
        [ "$status" -eq 0 ]
        has "note: $note"
        lacks hunter2
    done <<'TABLE'
hunter2-more |it ends with a blank
hunter2-more\n\n|it ends with a blank or a line break
hunter2-more\r\n|it ends with a carriage return
 hunter2-more|it begins with a blank
hunter2\nmore|it has more than one line
"hunter2-more"|it stands in quotation marks
hunt2|it is so short
hunter2|it is short
TABLE
}

@test "the list names all of them, the missing ones, and who uses them" {
    set_secret billing hunter2-first
    set_secret unused hunter2-second
    run keel secret list
    [ "$status" -eq 0 ]
    lacks hunter2
    while read -r name from users; do
        printf '%s\n' "$output" | grep -Eq "^$name +$from.*$users" || { printf 'no %s in:\n%s\n' "$name" "$output" >&2; return 1; }
    done <<'TABLE'
billing file billing
client missing inbox
mail command archive
refresh missing inbox
unused file
vault credential
TABLE
    has 'Missing: set it with `keel secret set client`.'
    run bash -c 'keel secret list --json 2>/dev/null'
    [ "${#lines[@]}" -eq 6 ]
    [ "${lines[1]}" = '{"from":"missing","name":"client","used_by":"inbox"}' ]
    run bash -c 'keel secret 2>/dev/null'
    [ "${#lines[@]}" -eq 7 ]
}

@test "commands and credentials are read where keel.yaml says" {
    run keel secret test mail
    [ "$status" -eq 0 ]
    [ "$output" = 'mail: 16 bytes, from the command in keel.yaml for mail' ]
    refused 6 'credential of systemd' 'LoadCredential=vault' keel secret test vault
    mkdir credentials
    printf 'hunter2-vault' >credentials/vault
    chmod 400 credentials/vault
    CREDENTIALS_DIRECTORY=$PWD/credentials run keel secret test vault
    [ "$status" -eq 0 ]
    has '13 bytes, from the credential'
    sed -i 's/printf, .*\]/sh, -c, "echo hunter2; echo hunter2 >\&2; exit 7"]/' keel.yaml
    refused 1 '(sh) ended with status 7' 'Run it yourself' keel secret test mail
}

@test "what others can reach is not used, and keel doctor says so" {
    set_secret billing hunter2-first
    keel doctor >"$BATS_TEST_TMPDIR/doctor" || true
    grep -q 'ok    permissions .*its secrets' "$BATS_TEST_TMPDIR/doctor"
    chmod 644 .keel/secrets/billing
    refused 4 'is open to others' 'chmod 600' keel secret test billing
    run keel doctor
    has '.keel/secrets/billing can be reached by others (mode 644)'
    chmod 600 .keel/secrets/billing
    chmod 755 .keel/secrets
    refused 4 'is open to others' 'chmod 700' keel secret test billing
    run keel doctor
    has '.keel/secrets can be reached by others (mode 755)'
    set_secret billing hunter2-again
    [ "$(stat -c %a .keel/secrets)" = 700 ]
    rm .keel/secrets/billing
    ln -s /etc/hostname .keel/secrets/billing
    refused 4 'symbolic link' 'keel secret set billing' keel secret test billing
}

@test "removed is removed" {
    set_secret billing hunter2-first
    run keel --dry-run secret remove billing
    has 'would be removed'
    run keel secret remove billing
    [ "$status" -eq 0 ]
    has 'It is missing now for billing'
    [ -z "$(ls -A .keel/secrets)" ]
    refused 6 'There is no secret `billing`' 'keel secret set billing' keel secret test billing
    refused 6 'There is no secret `billing`' 'keel secret set billing' keel secret remove billing
}
