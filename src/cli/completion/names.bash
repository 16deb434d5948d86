
# Ids of jobs, names of images and volumes, with a word about each where there are several.
_stockade_names() {
    # COMP_WORDS is cut at colons too, which names have.
    local typed="${COMP_LINE:0:COMP_POINT}" words=() kind=
    read -ra words <<<"$typed"
    [[ $typed == *[[:space:]] ]] && words+=("")
    local last=$((${#words[@]} - 1))
    ((last < 2)) && { _stockade "$@"; return; }
    local cur="${words[last]}" prev="${words[last - 1]}"
    case "${words[1]}:${words[2]}" in
        logs:* | inspect:* | cancel:* | pause:* | resume:* | rm:*) kind=jobs ;;
        image:inspect | image:rm | image:push | image:export) ((last > 2)) && kind=images ;;
        volume:inspect | volume:rm) ((last > 2)) && kind=volumes ;;
        run:* | submit:*) [[ $prev == --image ]] && kind=images ;;
    esac
    case "$cur" in -*) kind= ;; esac
    case "$prev" in
        --server | --cacert | --token-file | --step | --tenant | --state-dir | --config | --format | --output | -o) kind= ;;
    esac
    [[ -n $kind ]] || { _stockade "$@"; return; }
    # Bash replaces what follows the last colon.
    local line lines=() before="${cur%"${cur##*:}"}"
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && lines+=("${line#"$before"}")
    done < <("${words[0]}" complete "$kind" "$COMP_LINE" 2>/dev/null)
    if [[ ${#lines[@]} -eq 1 ]]; then
        COMPREPLY=("${lines[0]%%$'\t'*}")
    else
        COMPREPLY=()
        for line in "${lines[@]}"; do
            COMPREPLY+=("${line%%$'\t'*}  (${line#*$'\t'})")
        done
        # What is shown is inserted as far as all have it in common: a part of a name, of one that begins another all of it.
        compopt +o default +o bashdefault 2>/dev/null
    fi
}
complete -F _stockade_names -o nosort -o bashdefault -o default stockade
