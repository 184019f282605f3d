# The guide for plugin authors, followed as it is printed: its files, its commands, and what they say.

load helper
load pages

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/author
    mkdir -p "$W"
    echo "$W" >"$BATS_FILE_TMPDIR/place"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    PKG_CONFIG_PATH=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig)
    export PKG_CONFIG_PATH
}

@test "a first agent, of about six lines" {
    follow sdk/README.md 'A first agent'
    [ "$(wc -l <"$W/agents/hello/hello.lua")" -le 6 ]
}

@test "a first connector in Lua, of about fourteen lines" {
    follow sdk/README.md 'A first connector, in Lua'
    [ "$(wc -l <"$W/connectors/memos/memos.lua")" -le 14 ]
}

@test "both run: denied first, then allowed by the rule that is printed" {
    follow sdk/README.md 'Try it'
    start_kernel "$W" # it runs already: this keeps its process id for teardown_file
    [ "$(cat "$W"/memos/*.txt)" = 'Hello Ada!' ]
    [ "$(find "$W/memos" -type f | wc -l)" -eq 1 ]
}

@test "the same connector in C, of about fifty lines, under the same agent and rule" {
    follow sdk/README.md 'The same connector in C'
    [ "$(grep -vc '^ *$\|^/\*' "$W/connectors/notes/notes.c")" -le 60 ]
    [ "$(cat "$W"/notes/*)" = 'Hello Bea!' ]
    [ "$(find "$W/notes" -type f | wc -l)" -eq 1 ]
}

@test "an agent in C, of about fifty lines, under the same rule" {
    follow sdk/README.md 'An agent in C'
    [ "$(grep -vc '^ *$\|^/\*' "$W/agents/greeter/greeter.c")" -le 50 ]
    [ "$(find "$W/notes" -type f | wc -l)" -eq 2 ]
}

@test "what the page calls a change is one: the same version with other bytes is not taken" {
    cd "$W"
    sed -i 's/Hello /Good day /' agents/hello/hello.lua
    run keel up --detach
    [ "$status" -eq 0 ]
    run keel policy reload
    has 'the same version with other content is refused'
    sed -i 's/^version: 1.0.0/version: 1.0.1/' agents/hello/manifest.yaml
    run keel policy reload
    [ "$status" -eq 0 ]
    lacks 'refused'
    run keel do hello name=Eva
    [ "$status" -eq 0 ]
    grep -qx 'Good day Eva!' notes/*
}

@test "its record is whole" {
    cd "$W"
    run keel audit verify
    [ "$status" -eq 0 ]
    has 'records verified'
    keel down
}

@test "a connector of a web service, made and tried" {
    follow sdk/README.md 'A connector of a web service'
    [ -f "$W/connectors/todo/todo.lua" ]
    [ ! -e "$W/.keel/secrets/todo" ]
}
