# keel plugin new and inspect: what is made works at once.

load helper

setup() {
    own_home
    export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
    own_home
    cd "$BATS_TEST_TMPDIR"
    bare w
    cd w
}

teardown() {
    stop_kernel "$BATS_TEST_TMPDIR/w"
}

@test "a new agent and a new connector in Lua work at once, together" {
    run keel plugin new agent hello
    [ "$status" -eq 0 ]
    has 'Made agents/hello (com.example.hello): 5 files. Next:'
    has '  keel agent test agents/hello'
    has '  keel dev hello'
    has '    on: notes.note.write'
    run keel plugin new connector notes
    [ "$status" -eq 0 ]
    has '  keel connector check connectors/notes'
    lacks 'in keel.yaml' # the connection is there
    keel plugin inspect agents/hello
    keel plugin inspect connectors/notes
    run keel agent test agents/hello
    [ "$status" -eq 0 ]
    has '# 2 passed, 0 failed'
    keel policy check
    start_kernel .
    run keel do hello name=Ada
    [ "$status" -eq 0 ]
    [ "$(cat notes/*.txt)" = 'Hello Ada!' ]
}

@test "a connector in C builds with what is printed, without a warning, and works" {
    sed -i 's/com.example.notes/com.acme.notes/' keel.yaml
    run keel plugin new connector notes --c --id com.acme.notes
    [ "$status" -eq 0 ]
    has '  make -C connectors/notes'
    run env PKG_CONFIG_PATH= make -C connectors/notes
    [ "$status" -eq 0 ]
    lacks 'warning'
    run keel plugin inspect connectors/notes
    [ "$status" -eq 0 ]
    has 'the file says: com.acme.notes 0.1.0, a connector for ABI 0.1'
    has 'verbs read, write, reconcile'
    has 'exports keel_plugin_entry'
    has 'links libm.so.6, libc.so.6'
    keel plugin new agent hello -q
    start_kernel .
    run keel do hello name=Ada
    [ "$status" -eq 0 ]
    [ "$(cat notes/*.txt)" = 'Hello Ada!' ]
}

@test "an HTTP connector in C builds without a warning" {
    run keel plugin new connector web --c --kind http
    [ "$status" -eq 0 ]
    has 'config: { base: "https://api.example/v1" }'
    run make -C connectors/web CFLAGS='-Wall -Wextra -Wpedantic -Werror'
    [ "$status" -eq 0 ]
    [ -f connectors/web/web.so ]
}

@test "scripts that are made are clean under luacheck with the globals that ship" {
    command -v luacheck || skip 'luacheck is not installed'
    keel plugin new agent hello -q
    keel plugin new connector notes -q
    keel plugin new connector web --kind http -q
    rc=$(PKG_CONFIG_PATH=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig) \
        pkg-config --variable=luacheckrc keel)
    luacheck --config "$rc" agents connectors
}

@test "every file that is made for an editor names a schema that is there" {
    keel plugin new agent hello -q
    keel plugin new connector notes -q
    keel init studio --no-input -q
    for file in agents/hello/manifest.yaml agents/hello/test.scene connectors/notes/manifest.yaml \
        connectors/notes/check.yaml studio/keel.yaml studio/policies/starter.yaml; do
        grep -q 'yaml-language-server: \$schema=file:///' "$file"
        schema=$(sed -n 's|.*\$schema=file://||p' "$file" | head -1)
        [ -f "$schema" ]
    done
}

@test "what is there is never overwritten, and nothing is left half made" {
    keel plugin new agent hello -q
    echo mine >>agents/hello/hello.lua
    run keel plugin new agent hello --c
    [ "$status" -eq 1 ]
    has 'agents/hello is there already and stays as it is: it holds README.md, denied.scene, hello.lua'
    tail -1 agents/hello/hello.lua | grep -qx mine
    [ "$(ls -A agents)" = hello ]
    mkdir agents/empty
    run keel plugin new agent empty
    [ "$status" -eq 1 ]
    has 'agents/empty is there already'
}

@test "a dry run names the files and makes none" {
    run keel plugin new connector x --dry-run
    [ "$status" -eq 0 ]
    has 'connectors/x/x.lua'
    [ ! -e connectors ]
}

@test "below another folder, and without a workspace" {
    mkdir ../elsewhere
    run keel plugin new agent hello ../elsewhere
    [ "$status" -eq 0 ]
    [ -f ../elsewhere/agents/hello/hello.lua ]
    cd ../elsewhere
    run keel plugin new agent other --json
    [ "$status" -eq 0 ]
    has '"id":"com.example.other"'
    [ -f agents/other/other.lua ]
    keel agent test agents/other
}

# refuses TEXT WORD...: exit 2, with the text, and nothing is made.
refuses() {
    text=$1
    shift
    run keel plugin new "$@"
    [ "$status" -eq 2 ]
    has "$text"
    [ ! -e agents ] && [ ! -e connectors ]
}

@test "names, ids and options that cannot be are refused with what to do" {
    refuses 'Did you mean `keel plugin new agent x`?' agnet x
    refuses 'other characters than lower-case letters' agent Hello
    refuses 'does not begin with a lower-case letter' agent 1st
    refuses 'other characters' agent ../up
    refuses '1 to 63 characters' agent "$(printf 'a%.0s' $(seq 64))"
    refuses 'cannot be a plugin' agent x --id nodots
    refuses 'cannot be a plugin' agent x --id 'com.example.x"'
    refuses '--kind is for connectors' agent x --kind http
    refuses 'of --kind files or http, not "smtp"' connector x --kind smtp
    refuses '--lua and --c do not go together' connector x --lua --c
}

@test "a file that differs from its manifest is told before anything runs" {
    keel plugin new connector notes --c -q
    make -s -C connectors/notes
    sed 's/^version: .*/version: 0.2.0/' -i connectors/notes/manifest.yaml
    run keel plugin inspect connectors/notes
    [ "$status" -eq 2 ]
    has 'version is 0.2.0 here and 0.1.0 in the file, so it would be refused'
    sed 's/^version: .*/version: 0.1.0/; s/com.example.notes/com.example.other/' -i connectors/notes/manifest.yaml
    run keel plugin inspect connectors/notes
    has 'id is com.example.other here and com.example.notes in the file'
}

@test "a verb that the file lacks, a .so alone, and what is no plugin" {
    keel plugin new connector notes --c -q
    sed -i 's/,$/,/; s/ *\.reconcile = find_note)/)/; s/\.write = write_note,$/.write = write_note/' connectors/notes/notes.c
    make -s -C connectors/notes CFLAGS=-w
    run keel plugin inspect connectors/notes
    [ "$status" -eq 2 ]
    has 'note needs reconcile, and the file has no function for it'
    cp connectors/notes/notes.so alone.so
    run keel plugin inspect alone.so --json
    [ "$status" -eq 0 ]
    [ "$output" = '{"abi":"0.1","exports":["keel_plugin_entry"],"id":"com.example.notes","kind":"connector","links":["libm.so.6","libc.so.6"],"verbs":"read, write","version":"0.1.0"}' ]
    echo nothing >broken.so
    run keel plugin inspect broken.so
    [ "$status" -eq 2 ]
    has 'is no shared object of this machine'
    head -c 4000 alone.so >cut.so
    run keel plugin inspect cut.so
    [ "$status" -eq 2 ]
}
