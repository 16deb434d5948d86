
# Ids of jobs, names of images and volumes, with a word about each.
_stockade_names() {
    local kind
    local -a names
    case "${words[2]}:${words[3]}" in
        logs:*|inspect:*|cancel:*|pause:*|resume:*|rm:*) [[ $CURRENT -gt 2 ]] && kind=jobs ;;
        image:(inspect|rm|push|export)) [[ $CURRENT -gt 3 ]] && kind=images ;;
        volume:(inspect|rm)) [[ $CURRENT -gt 3 ]] && kind=volumes ;;
        run:*|submit:*) [[ ${words[CURRENT-1]} == --image ]] && kind=images ;;
    esac
    if [[ -n $kind && ${words[CURRENT]} != -* && ${words[CURRENT-1]} != (--server|--cacert|--token-file|--step|--tenant|--state-dir|--config|--format|--output|-o) ]]; then
        names=(${(f)"$(${words[1]} complete $kind "${words[*]}" 2>/dev/null)"})
        # _describe takes what follows the first colon for the word about it.
        names=(${names//:/\\:})
        names=(${names/$'\t'/:})
        _describe 'name' names
        return
    fi
    _stockade "$@"
}
compdef _stockade_names stockade
