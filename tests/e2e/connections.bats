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

# connector NEEDS
connector() {
    printf 'id: com.example.billing\nkind: connector\nversion: 1.0.0\nentry: billing.lua\nneeds: [ %s ]\n' "$1" \
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
