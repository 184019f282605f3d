# keel dev: each save is checked, tested, installed and in force; Ctrl-C ends it cleanly.

load helper

setup() {
    own_home
    export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
    own_home
    cd "$BATS_TEST_TMPDIR"
    bare w
    cd w
    keel plugin new agent hello -q
    keel plugin new connector notes -q
}

teardown() {
    [ -z "${dev:-}" ] || kill -9 "$dev" 2>/dev/null || true
    stop_kernel "$BATS_TEST_TMPDIR/w"
}

# begin WORD...: keel dev in the background, until it watches.
begin() {
    keel dev "$@" >out 2>err 3>&- &
    dev=$!
    until_says err 'press Ctrl-C to end'
}

# end SIGNAL: as Ctrl-C does, and it ends by itself with 0.
end() {
    kill -"$1" "$dev"
    wait "$dev"
    dev=
}

# in_force TIMES: that often what was saved has come into force.
in_force() {
    [ "$(grep -c 'In force for new runs.' err)" -ge "$1" ]
}

# saved FILE SED: an editor's way: another file in its place.
saved() {
    sed "$2" "$1" >"$1.new~"
    mv "$1.new~" "$1"
}

@test "a save is in force for new runs, tests first, and the newest save wins, also an old text" {
    begin
    until_says err 'hello 0.1.0+dev.000001.'
    keel do hello name=Ada
    [ "$(cat notes/*.txt)" = 'Hello Ada!' ]
    until_says out 'done  notes.note.write'
    saved agents/hello/hello.lua 's/Hello /Good day /'
    until_says err 'agents/hello is not installed: its tests do not pass'
    until_says out 'got      "Good day Ada!"'
    saved agents/hello/test.scene 's/Hello /Good day /'
    saved agents/hello/denied.scene 's/Hello /Good day /'
    until_says err 'hello 0.1.0+dev.000002.'
    until_says err 'In force for new runs.'
    keel do hello name=Bea
    grep -qx 'Good day Bea!' notes/*.txt
    for file in hello.lua test.scene denied.scene; do
        saved "agents/hello/$file" 's/Good day /Hello /'
    done
    until_says err 'hello 0.1.0+dev.000003.'
    until_it in_force 2
    keel do hello name=Eva
    grep -qx 'Hello Eva!' notes/*.txt
    run keel run list --json
    has '0.1.0+dev.000001.'
    has '0.1.0+dev.000003.'
    end INT
    grep -q 'Ended, and Keel with it.' err
    run keel down
    [ "$status" -eq 1 ] # nothing runs any more
    run keel audit verify
    [ "$status" -eq 0 ]
}

@test "after it has ended, keel up takes what was saved last without a word" {
    begin
    saved agents/hello/hello.lua 's/^-- hello.*/-- another comment/'
    until_says err 'hello 0.1.0+dev.000002.'
    end INT
    run keel --json up --detach
    [ "$status" -eq 0 ]
    printf '%s' "$output" >.status
    lacks 'refused'
    lacks 'changed since'
    run keel agent list
    has '0.1.0+dev.000002.'
    keel down
    echo '-- and one more' >>agents/hello/hello.lua
    start_kernel .
    run keel policy reload
    has 'agents/hello has changed since `keel dev` installed it as 0.1.0+dev.000002.'
    saved agents/hello/manifest.yaml 's/^version: .*/version: 0.1.1/'
    run keel policy reload
    [ "$status" -eq 0 ]
    lacks 'changed since'
    keel do hello name=Ada
    run keel run list --json
    has '"version":"0.1.1"'
}

@test "what is wrong is told with file and line: manifest, script, run, connector, policy" {
    begin
    saved agents/hello/manifest.yaml 's/^kind: agent/kind: agnet/'
    until_says err 'agents/hello/manifest.yaml:3:'
    saved agents/hello/manifest.yaml 's/^kind: agnet/kind: agent/'
    rm agents/hello/*.scene
    sed -i '4s/$/ x = = 1/' agents/hello/hello.lua
    until_says err 'agents/hello/hello.lua:4'
    sed -i '4s/ x = = 1$//' agents/hello/hello.lua
    sleep 0.6
    sed -i 's/text = text/text = textt.x/' agents/hello/hello.lua
    until_says err 'hello 0.1.0+dev.000002.'
    until_says err 'In force'
    run keel do hello name=Ada
    until_says err 'agents/hello/hello.lua:7: run 1 failed there.'
    echo 'x = = 1' >>connectors/notes/notes.lua
    until_says err 'connectors/notes/notes.lua:'
    until_says err 'connectors/notes is not installed'
    echo '  - { id: x, onn: notes.note.write, allow: {} }' >>policies/notes.yaml
    until_says err 'policies has changed.'
    until_says err 'policies/notes.yaml:4:'
    end TERM
}

@test "a connector in C is built on each save; what does not compile stays out" {
    sed -i 's/com.example.notes/com.example.native/' keel.yaml
    keel plugin new connector native --c -q
    begin
    until_says err 'native 0.1.0+dev.000001.'
    saved connectors/native/native.c 's/a note needs a text/a note needs some text/'
    until_says err 'native 0.1.0+dev.000002.'
    echo 'int broken(' >>connectors/native/native.c
    until_says err 'connectors/native does not build; what was in force stays.'
    grep -q 'native.c:[0-9]*:' err
    end INT
}

@test "beside a kernel that runs already: it goes on, also afterwards" {
    start_kernel .
    begin hello
    grep -q 'is running already' err
    saved agents/hello/hello.lua 's/^-- hello.*/-- another comment/'
    until_says err 'hello 0.1.0+dev.'
    until_says err 'In force for new runs.'
    echo '-- not watched' >>connectors/notes/notes.lua
    sleep 1
    ! grep -q 'notes 0.1.0+dev' err
    keel down
    saved agents/hello/hello.lua 's/^-- another.*/-- a third/'
    until_says err 'Keel does not run any more'
    end INT
    grep -q 'Ended; Keel runs on' err
}

@test "new plugins are met, gone ones are told, and --no-tests installs what fails" {
    begin --no-tests
    saved agents/hello/hello.lua 's/Hello /Good day /'
    until_says err 'hello 0.1.0+dev.000002.'
    keel plugin new agent other -q
    until_says err 'other 0.1.0+dev.000001.'
    rm -r agents/other
    until_says err 'agents/other is gone'
    end HUP
}

@test "names that are not there, and a dry run" {
    run keel dev nobody
    [ "$status" -eq 6 ]
    has 'There is no agents/nobody and no connectors/nobody'
    run keel dev --dry-run
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = connectors/notes ]
    has 'agents/hello'
    has 'keel.yaml'
}

@test "in a terminal Ctrl-C ends it, and its Keel" {
    tmux -L "keel-$$" -f /dev/null new-session -d -x 120 -y 40 'keel dev 2>&1 | tee err; sleep 1'
    touch err
    until_says err 'press Ctrl-C to end'
    tmux -L "keel-$$" send-keys C-c
    for _ in $(seq 100); do
        [ -e .keel/keel.sock ] || break
        sleep 0.1
    done
    tmux -L "keel-$$" kill-server 2>/dev/null || true
    run keel down
    [ "$status" -eq 1 ]
}
