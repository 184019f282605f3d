# Connections with a way out: what keel.yaml, the manifest and policy leave of it, before anything runs.

load helper

setup() {
    export HOME=$BATS_TEST_TMPDIR/home XDG_STATE_HOME=$BATS_TEST_TMPDIR/state TZ=UTC LC_ALL=C.UTF-8 NO_COLOR=1
    W=$BATS_TEST_TMPDIR/studio
    mkdir -p "$HOME" "$W/connectors/billing" "$W/policies"
    cd "$W"
    connector '"http:{config.base}", "http:https://id.example/token", "stream:{config.imap}"'
    yaml '{ base: "https://API.example/v1" }'
}

teardown() {
    keel -C "$W" -q down 2>/dev/null || true
}

# connector NEEDS [VERSION]
connector() {
    printf 'id: com.example.billing\nkind: connector\nversion: %s\nentry: billing.lua\nneeds: [ %s ]\n' "${2-1.0.0}" "$1" \
        >connectors/billing/manifest.yaml
    printf 'resources: { invoice: { write: { class: once, sink: external } } }\n' \
        >>connectors/billing/manifest.yaml
    printf 'return keel.connector { invoice = { write = function() return {} end } }\n' \
        >connectors/billing/billing.lua
}

# yaml CONFIG [MORE]
yaml() {
    printf 'version: 1\nconnections:\n  billing:\n    use: com.example.billing@1\n    config: %s\n%s' \
        "$1" "${2-}" >keel.yaml
}

shows() {
    run keel connection show billing
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has "$1"
}

@test "keel connection show says what is reached, and as whom" {
    yaml '{ base: "https://API.example/v1", imap: "imaps://mail.example" }' \
        "    auth: { kind: bearer, token: { secret: billing } }"
    shows 'reaches https://api.example:443/v1'
    has 'reaches https://id.example:443/token'
    has 'reaches imaps://mail.example:993'
    has 'login bearer, secret billing'
    yaml '{}' "    auth: { kind: oauth2-refresh, client_secret: { secret: a }, refresh_token: { secret: b } }"
    shows 'login oauth2-refresh, secrets a, b'
    ! grep -q 'api.example' <<<"$output"
    yaml '{ base: api.example }'
    shows 'reaches nothing: the connection billing: config.base is no address that it can use'
    connector '"file:ro:{config.base}"'
    yaml '{}' "    auth: { kind: bearer, token: { secret: billing } }"
    shows 'not used, its connector has no way out'
}

@test "policy's egress narrows, and is shown" {
    printf 'version: 1\negress:\n  - { on: "b*", to: ["https://*.example"] }\n' >policies/net.yaml
    shows 'of these only what policy'
    has 'https://*.example (policies/net.yaml:3)'
    connector '"http:*"'
    shows "reaches what policy's \`egress\` lists, and of all others nothing"
    printf 'version: 1\n' >policies/net.yaml
    shows 'which it does not'
    printf 'version: 1\negress: [{ on: billing, to: [] }]\n' >policies/net.yaml
    shows 'of these none'
    printf 'version: 1\negress: [{ on: biling, to: [] }]\n' >policies/net.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    has 'policies/net.yaml:2:10'
    has 'Did you mean "billing"?'
    printf 'version: 1\negress: [{ on: billing, to: ["https://*"] }]\n' >policies/net.yaml
    run keel policy check
    [ "$status" -eq 2 ]
    has 'policies/net.yaml:2:30'
}

@test "a secret in keel.yaml is refused, and not repeated" {
    for key in password token value key client_secret refresh_token; do
        yaml '{}' "    auth: { kind: basic, $key: hunter2 }"
        run keel connection list
        [ "$status" -eq 2 ]
        has "keel.yaml:6:"
        has "\`$key\` is a secret"
        has 'keel secret set NAME'
        has '{ secret: NAME }'
        ! grep -q hunter2 <<<"$output"
    done
    printf 'version: 1\nsecrets: { mail: hunter2 }\n' >keel.yaml
    run keel connection list
    [ "$status" -eq 2 ]
    has 'keel.yaml:2:18: '
    ! grep -q hunter2 <<<"$output"
}

@test "keel doctor finds an address that is none, and a login that is not used" {
    run keel doctor
    has 'addresses    connections name 2 addresses'
    yaml '{ base: api.example }'
    run keel doctor
    [ "$status" -ne 0 ]
    has 'keel.yaml:3:3: the connection billing: config.base is no address'
    connector '"file:ro:{config.base}"'
    yaml '{}' "    auth: { kind: bearer, token: { secret: billing } }"
    run keel doctor
    has 'keel.yaml:3:3: the login of billing is not used'
}

@test "keel plugin inspect shows the needs" {
    connector '"http:{config.base}", "http:*", "stream:imaps://mail.example"'
    run keel plugin inspect connectors/billing
    [ "$status" -eq 0 ]
    has 'needs http: config.base'
    has 'needs http: any address'
    has 'needs stream: imaps://mail.example'
    connector '"http:ftp://files.example"'
    run keel plugin inspect connectors/billing
    [ "$status" -eq 2 ]
    has 'manifest.yaml:5:10: '
}

# up_refuses PLACE WHAT: the kernel does not start, and nothing is left behind.
up_refuses() {
    run timeout 20 keel up --detach
    [ "$status" -eq 2 ] || { printf 'status %s\n%s\n' "$status" "$output" >&2; return 1; }
    has "$1"
    has "$2"
    run keel doctor
    has "$1: the connection billing: "
}

@test "a login that cannot be is refused at start and by keel doctor, at its place" {
    connector '"http:{config.base}"'
    while IFS='|' read -r auth what; do
        yaml '{ base: "https://api.example/v1" }' "    auth: $auth"
        up_refuses 'keel.yaml:6:5' "$what"
    done <<'ROWS'
{ kind: magic }|does not say a `kind` that is known
{ kind: bearer }|`token` is missing
{ kind: bearer, token: { secret: a }, user: ada }|`user` is not known
{ kind: header, name: Host, value: { secret: a } }|is a header that Keel itself governs
{ kind: sasl-plain, user: ada, password: { secret: a } }|is no login for HTTP
ROWS
    connector '"stream:{config.imap}"' 1.0.1
    yaml '{ imap: "imaps://mail.example" }' "    auth: { kind: bearer, token: { secret: a } }"
    up_refuses 'keel.yaml:6:5' 'is no login for the streams of a mail server'
    yaml '{ imap: "imaps://mail.example" }' \
        "    auth: { kind: oauth2-refresh, token_url: \"https://id.example\", client_id: c, refresh_token: { secret: a } }"
    up_refuses 'keel.yaml:6:5' 'without a `user`'
}

@test "reload refuses a login that cannot be, and the old world stays; a secret that is not set is a warning" {
    connector '"http:{config.base}"'
    yaml '{ base: "https://api.example/v1" }' "    auth: { kind: bearer, token: { secret: billing } }"
    run keel up --detach
    [ "$status" -eq 0 ]
    has 'keel.yaml:6:5: the connection billing logs in with the secret billing, which is not set: `keel secret set billing`'
    grep -q 'keel secret set billing' .keel/keel.log
    yaml '{ base: "https://api.example/v1" }' "    auth: { kind: bearer }"
    run keel policy reload
    refused=$status
    said=$output

    yaml '{ base: "https://api.example/v1" }' "    auth: { kind: bearer, token: { secret: billing } }"
    printf hunter2hunter2 | keel -q secret set billing
    run keel policy reload
    again=$status

    ! grep -q 'not set' <<<"$output" || again=warned
    run keel connection list
    has 'idle'
    keel -q down
    [ "$refused" -eq 2 ]
    output=$said
    has 'keel.yaml:6:5'
    has '`token` is missing'
    [ "$again" -eq 0 ]
}

@test "keel connection test: a connection that is not there, and one without a network" {
    run keel connection test biling
    [ "$status" -eq 6 ]
    has 'Did you mean billing?'
    mkdir -p mail/new mail/cur mail/tmp out/new out/cur out/tmp
    printf 'From: b@client.example\nTo: a@a.example\nSubject: s\nMessage-ID: <1@x>\n\nhello\n' >mail/new/1.x
    printf 'version: 1\nconnections:\n  inbox:\n    use: com.keel.mailbox@0.1\n    config: { source: mail, outbox: out, from: a@a.example }\n' \
        >keel.yaml
    run keel connection test inbox
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has "ok    folder     $W/mail: read"
    has "ok    folder     $W/out: read and written"
    has 'ok    config     its connector runs, and takes it'
    has 'ok    read       message: one came'
    [ -e mail/new/1.x ]
    [ -z "$(ls out/new)" ]
    rm -r mail/new/1.x
    run keel connection test inbox --json
    has '{"next":"","step":"read","verdict":"ok","what":"message: there is none"}'
    mv mail elsewhere
    run keel connection test inbox
    [ "$status" -eq 1 ]
    has "fail  folder     $W/mail: No such file or directory"
    has 'Make it, or name another one'
}

@test "keel connection test: what is wrong before anything runs" {
    connector '"http:{config.base}"'
    while IFS='|' read -r config auth code step what; do
        yaml "$config" "${auth:+    auth: $auth}"
        run keel connection test billing
        [ "$status" -eq "$code" ] || { printf '%s: status %s\n%s\n' "$step" "$status" "$output" >&2; return 1; }
        grep -q "^fail  $step" <<<"$output"
        has "$what"
    done <<'ROWS'
{ base: api.example }||1|address|config.base is no address
{ base: "https://api.invalid" }||1|address|does not resolve
{ base: "https://169.254.169.254" }||1|address|169.254.169.254 is
{ base: "https://127.0.0.1:9" }|{ kind: bearer }|1|auth|`token` is missing
{ base: "https://127.0.0.1:9" }|{ kind: bearer, token: { secret: nobody } }|4|secret|keel secret set nobody
{ base: "https://127.0.0.1:9" }||1|server|127.0.0.1:9 does not answer
ROWS
    yaml '{}'
    sed -i 's/billing@1/nothing@1/' keel.yaml
    run keel connection test billing
    [ "$status" -eq 1 ]
    has 'keel connector list'
}
