# Includes go down only. Every header of the project has a layer, its folder; a file may include its
# own folder and the folders listed here.

BEGIN {
    below["sdk"] = " "
    below["runtime/base"] = " sdk "
    below["runtime/store"] = " sdk runtime/base "
    below["runtime/host"] = " sdk runtime/base "
    below["runtime/policy"] = " sdk runtime/base runtime/host "
    below["runtime/kernel"] = " sdk runtime/base runtime/host runtime/store runtime/policy runtime/egress "
    below["runtime/executor"] = " sdk runtime/base "
    below["runtime/fakeworld"] = " sdk runtime/base "
    below["runtime/egress"] = " sdk runtime/base "
    below["runtime/kit"] = " sdk runtime/base runtime/host "
    below["runtime/cli"] = below["runtime/kernel"] "runtime/kernel runtime/kit "
    below["runtime/torture"] = below["runtime/cli"] "runtime/cli "
    below["plugins/mailbox"] = below["plugins/mail"] = " plugins/mailparts "
    while (("find runtime sdk plugins examples -name '*.h' 2>/dev/null" | getline path) > 0) {
        base = path
        sub(/.*\//, "", base)
        where[base] = where[base] " " layer_of(path)
    }
}

function layer_of(path, part) {
    split(path, part, "/")
    return part[1] == "sdk" ? "sdk" : part[1] "/" part[2]
}

function folder_of(path) {
    sub(/\/[^\/]*$/, "", path)
    return path
}

function fault(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
}

FNR == 1 {
    layer = layer_of(FILENAME)
    test = FILENAME ~ /^tests\//
    guest = FILENAME ~ /^(plugins|examples)\//
    if (!test && !guest && !(layer in below)) {
        fault("the folder " layer " has no place among the layers (tests/lint/layers.awk)")
        below[layer] = " "
    }
}

!test && /^[ ]*#[ ]*include[ ]*["<]/ {
    name = $0
    sub(/^[^"<]*["<]/, "", name)
    sub(/[">].*/, "", name)
    if (name ~ /\.\./) {
        fault("includes " name ": no way up")
        next
    }
    base = name
    sub(/.*\//, "", base)
    if (name ~ /^keel\//) {
        next # the SDK, which lies below all
    }
    if ($0 ~ /</ || !(base in where)) {
        if (guest && $0 ~ /"/) {
            fault("includes " name ", which is neither of the SDK nor beside it")
        }
        next
    }
    here = " " where[base] " "
    if (index(here, " " layer " ")) {
        next
    }
    n = split(where[base], found, " ")
    for (i = 1; i <= n; i++) {
        if (index(below[layer], " " found[i] " ")) {
            next
        }
    }
    fault("includes " name " of " found[1] ", which does not lie below " layer)
}
