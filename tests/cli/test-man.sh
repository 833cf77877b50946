#!/bin/bash
# Manual pages and bash completion, made of the rows that parse the command line: no warning of groff, every option of --help in
# its page, a page for every verb that --help lists, and words that complete.
# usage: test-man.sh WEIR FOLDER    FOLDER holds what the build made: weir.1, weir-VERB.1, weir.bash
set -u
weir=$1
made=$2
passed=0 failed=0
ok() { # name, exit status
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1"; fi
}
command -v groff >/dev/null || { echo "groff is missing: script/setup installs it"; exit 1; }

verbs=$("$weir" --help | sed -n 's/^  \([a-z]\{3,\}\) .*/\1/p' | grep -v '^weir$')
[ "$(wc -w <<<"$verbs")" -ge 10 ]
ok "--help lists verbs" $?
for page in weir $(printf 'weir-%s ' $verbs); do
    [ -s "$made/$page.1" ]
    ok "$page.1 was made" $?
    warnings=$(groff -man -Tutf8 -ww -z "$made/$page.1" 2>&1)
    [ -z "$warnings" ]
    ok "$page.1: $warnings" $?
done
[ "$(ls "$made"/weir*.1 | wc -l)" -eq $(($(wc -w <<<"$verbs") + 1)) ]
ok "no page without a verb" $?
overview=$(groff -man -Tascii -P-cbou "$made/weir.1")
for verb in $verbs; do
    grep -q "weir-$verb(1)" <<<"$overview"
    ok "weir(1) names $verb" $?
    text=$(groff -man -Tascii -P-cbou -rLL=300n "$made/weir-$verb.1")
    for option in $("$weir" "$verb" --help | sed -n 's/^  ...[ ]*\(--[a-z0-9-]*\).*/\1/p'); do
        grep -qe "$option" <<<"$text"
        ok "weir-$verb.1 has $option" $?
    done
    grep -q "EXIT STATUS" <<<"$text" && grep -q "^EXAMPLE" <<<"$text"
    ok "weir-$verb.1 has its sections" $?
    [ "$("$weir" help "$verb")" = "$("$weir" "$verb" --help)" ]
    ok "help $verb" $?
done
for section in "EXIT STATUS" ENVIRONMENT FILES "SEE ALSO"; do
    grep -q "^$section" <<<"$overview"
    ok "weir(1): $section" $?
done
"$weir" help wings >/dev/null 2>&1
[ $? -eq 2 ]
ok "help of no verb" $?
"$weir" help >/dev/full 2>/dev/null
[ $? -eq 4 ]
ok "help to a full disk" $?

# ---- completion
complete_words() { # words of the command line, the last one is completed; prints what bash offers
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; printf "%s\n" "${COMPREPLY[@]}"' - "$made/weir.bash" "$@"
}
[ "$(complete_words weir insp)" = inspect ]
ok "completes a verb" $?
[ "$(complete_words weir help dif)" = diff ]
ok "completes a verb after help" $?
[ "$(complete_words weir diff --fai)" = --fail-on ]
ok "completes an option" $?
complete_words weir plan -- | grep -qx -- --machine
ok "completes a common option" $?
[ "$(complete_words weir plan "$made/weir-pla")" = "$made/weir-plan.1" ]
ok "completes a file" $?
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
