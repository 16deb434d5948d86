
# Ids of jobs, with their status where there are several.
_stockade_jobs() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}"
    case "${COMP_WORDS[1]}" in
        logs | inspect | cancel | pause | resume | rm) ;;
        *) _stockade "$@"; return ;;
    esac
    case "$COMP_CWORD:$cur:$prev" in
        1:*|*:-*|*:--server|*:--cacert|*:--token-file|*:--step|*:=|*::) _stockade "$@"; return ;;
    esac
    local line lines=()
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && lines+=("$line")
    done < <("${COMP_WORDS[0]}" complete-jobs "$COMP_LINE" 2>/dev/null)
    if [[ ${#lines[@]} -eq 1 ]]; then
        COMPREPLY=("${lines[0]%%$'\t'*}")
    else
        COMPREPLY=()
        for line in "${lines[@]}"; do
            COMPREPLY+=("${line%%$'\t'*}  (${line#*$'\t'})")
        done
        # What is shown is inserted as far as all have it in common, which is never more than a part of an id.
        compopt +o default +o bashdefault 2>/dev/null
    fi
}
complete -F _stockade_jobs -o nosort -o bashdefault -o default stockade
