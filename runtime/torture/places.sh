#!/bin/sh
# places.sh INTO BUILD SOURCE: the folders libexec and share as an installation has them, of links into
# the build tree and the source.
set -eu
into=$1
build=$2
source=$3
mkdir -p "$into/libexec" "$into/share"
for program in executor/keel-executor egress/keel-egress fakeworld/keel-fakeworld kit/keel-step \
    torture/keel-torture torture/keel-liar; do
    ln -sfn "$build/runtime/$program" "$into/libexec/${program#*/}"
done
ln -sfn "$source/sdk/lua" "$into/share/lua"
ln -sfn "$source/sdk/schema" "$into/share/schema"
ln -sfn "$source/policies" "$into/share/policies"
ln -sfn "$source/examples" "$into/share/examples"
ln -sfn "$build/plugins" "$into/share/plugins"
ln -sfn "$source/runtime/torture/workspaces" "$into/share/torture"
