# What the author's tests share, besides what tests/e2e has.
load ../e2e/helper

# bare FOLDER: a workspace with nothing but a connection, its folder and a rule.
bare() {
    mkdir -p "$1/notes" "$1/policies"
    cat >"$1/keel.yaml" <<'YAML'
version: 1
connections:
  notes: { use: com.example.notes@0.1, config: { folder: notes } }
YAML
    cat >"$1/policies/notes.yaml" <<'YAML'
version: 1
rules:
  - { id: hello-writes, on: notes.note.write, agents: [hello], allow: {} }
YAML
}

# until_says FILE TEXT: waits until a file has the text, for at most a minute: a compiler may have to run first.
until_says() {
    for _ in $(seq 600); do
        ! grep -qF -- "$2" "$1" || return 0
        sleep 0.1
    done
    printf 'no "%s" in:\n' "$2" >&2
    cat "$1" >&2
    return 1
}
