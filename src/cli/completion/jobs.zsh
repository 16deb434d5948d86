
# Ids of jobs, with their status.
_stockade_jobs() {
    local -a jobs
    case "${words[2]}" in
        logs|inspect|cancel|pause|resume|rm)
            if [[ $CURRENT -gt 2 && ${words[CURRENT]} != -* && ${words[CURRENT-1]} != (--server|--cacert|--token-file|--step) ]]; then
                jobs=(${(f)"$(${words[1]} complete-jobs "${words[*]}" 2>/dev/null)"})
                jobs=(${jobs/$'\t'/:})
                _describe 'job' jobs
                return
            fi
            ;;
    esac
    _stockade "$@"
}
compdef _stockade_jobs stockade
