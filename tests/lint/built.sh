# Checks of what was built. Sourced by run.sh, which brings root, build and work.
# shellcheck shell=sh

record_names() {
    sed -n 's/^ *X([0-9]*, [A-Z_]*, "\([a-z._]*\)").*/\1/p' runtime/store/records.h
}

# The names are in the object files of the store that is built for tests; the hits are not in the one
# that ships.
check_failpoints() {
    ninja -C "$build" runtime/store/libstore_fp.a >"$work/ninja" 2>&1 || tail -n 5 "$work/ninja"
    find "$build" -path '*libstore_fp.a.p/*.o' >"$work/objects"
    if [ ! -s "$work/objects" ]; then
        echo "$build has no libstore_fp"
        return
    fi
    xargs strings <"$work/objects" >"$work/strings"
    record_names >"$work/kinds"
    [ "$(wc -l <"$work/kinds")" -ge 10 ] || echo "runtime/store/records.h: no list of kinds was found"
    while read -r kind; do
        for point in append before_commit after_commit; do
            grep -qxF "journal.$kind.$point" "$work/strings" ||
                echo "runtime/store/records.h: the kind $kind has no failpoint journal.$kind.$point"
        done
    done <"$work/kinds"
    find "$build" -path '*libstore.a.p/*.o' -o -path '*libkernel.a.p/*.o' -o \
        -path '*libbase.a.p/fsio*.o' | while read -r object; do
        ! nm -u "$object" | grep -qw failpoint_hit || echo "$object: a failpoint in a shipped library"
        ! nm -u "$object" | grep -qw planted_is || echo "$object: a planted bug in a shipped library"
    done
}

check_exports() {
    find "$build/plugins" -name '*.so' >"$work/plugins"
    [ -s "$work/plugins" ] || echo "$build/plugins has no .so"
    while read -r so; do
        symbols=$(nm -D --defined-only "$so" | awk '{ print $3 }' | tr '\n' ' ')
        [ "$symbols" = 'keel_plugin_entry ' ] || echo "$so exports $symbols"
        ! readelf -d "$so" | grep -E 'RPATH|RUNPATH' || echo "$so has a search path of its own"
    done <"$work/plugins"
}

# compile LABEL ARGUMENT...: the first lines of a compiler's complaint.
compile() {
    label=$1
    shift
    "$@" >"$work/complaint" 2>&1 || { echo "$label does not compile alone:"; head -n 4 "$work/complaint"; }
}

cxx() {
    for c in ${CXX:-} c++ g++ clang++; do
        command -v "$c" >/dev/null && { echo "$c -x c++"; return; }
    done
    echo 'clang -x c++'
}

check_headers() {
    flags='-fsyntax-only -Wall -Wextra -Wpedantic -Werror -Isdk/include'
    cpp=$(cxx)
    for h in sdk/include/keel/*.h; do
        printf '#include "%s"\ntypedef int one;\n' "keel/${h##*/}" >"$work/one.c"
        # shellcheck disable=SC2086
        compile "$h (C11)" "${CC:-cc}" -std=c11 $flags "$work/one.c"
        # shellcheck disable=SC2086
        compile "$h (C++17)" $cpp -std=c++17 $flags "$work/one.c"
    done
    uv=$(pkg-config --cflags libuv sqlite3 lua5.4 libsodium gmime-3.0 2>/dev/null)
    for h in runtime/*/*.h plugins/*/*.h; do
        [ -f "$h" ] || continue
        dirs=
        for d in runtime/*/ plugins/mailparts "${h%/*}"; do
            case $h:$d in
            runtime/executor/*:runtime/host/ | runtime/executor/*:runtime/kernel/) ;;
            runtime/*:runtime/executor/) [ "${h#runtime/executor/}" = "$h" ] || dirs="-I$d $dirs" ;;
            plugins/*:runtime/* | runtime/*:plugins/*) ;;
            *) dirs="$dirs -I$d" ;;
            esac
        done
        printf '#include "%s"\ntypedef int one;\n' "$h" >"$work/one.c"
        # shellcheck disable=SC2086
        compile "$h (C11)" "${CC:-cc}" -std=c11 -D_GNU_SOURCE $flags $dirs $uv -I"$root" "$work/one.c"
    done
}
