
# Ids of jobs, with their status.
complete -c stockade -n "__fish_seen_subcommand_from logs inspect cancel pause resume rm" -f -a "(stockade complete-jobs (commandline -cp) 2>/dev/null)"
