
# Ids of jobs, names of images and volumes, with a word about each.
complete -c stockade -n "__fish_seen_subcommand_from logs inspect cancel pause resume rm; and not __fish_seen_subcommand_from image volume" -f -a "(stockade complete jobs (commandline -cp) 2>/dev/null)"
complete -c stockade -n "__fish_seen_subcommand_from image; and __fish_seen_subcommand_from inspect rm push export" -f -a "(stockade complete images (commandline -cp) 2>/dev/null)"
complete -c stockade -n "__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from inspect rm" -f -a "(stockade complete volumes (commandline -cp) 2>/dev/null)"
