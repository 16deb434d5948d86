// attack: host paths in the mount table, and a mount left writable or with devices (proc_pid_mountinfo(5))
// env: HOST_STATE
// expect: refused
//
// HOST_STATE is the daemon's state directory: no line may name it.
#include "attack.h"

static int is_one_of(const char *word, const char *const *list)
{
    while (*list && strcmp(*list, word) != 0) list++;
    return *list != NULL;
}

static int is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static int has_option(const char *options, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = options; (at = strstr(at, name)); at += length)
        if ((at == options || at[-1] == ',') && (at[length] == ',' || at[length] == 0)) return 1;
    return 0;
}

int main(void)
{
    static const char *const WRITABLE[] = {"/workspace", "/tmp", "/dev/shm", "/dev/pts", "/dev/mqueue", "/proc", NULL};
    static const char *const SECRET[] = {
        "/root", "/home", "/var", "/srv", "/mnt", "/media", "/run", "/boot", "/opt", NULL};
    const char *state = given("HOST_STATE");
    static char table[1 << 18], line[8192];
    if (!slurp("/proc/self/mountinfo", table, sizeof table)) broken("cannot read mountinfo");
    for (char *next = strtok(table, "\n"); next; next = strtok(NULL, "\n")) {
        char root[4096], target[4096], options[512], kind[64], source[4096];
        snprintf(line, sizeof line, "%s", next);
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(line, "%*d %*d %*s %4095s %4095s %511s", root, target, options) != 3 ||
            sscanf(tail, " - %63s %4095s", kind, source) != 2)
            broken("odd line: %s", line);
        HOLDS(text("%s does not name the state directory", target), !strstr(line, state));
        for (const char *const *secret = SECRET; *secret; secret++)
            HOLDS(text("%s (root %s) is not below %s", target, root, *secret),
                !is_below(root, *secret) && !is_below(target, *secret));
        if (is_one_of(target, WRITABLE))
            HOLDS(text("%s is nodev or devpts: %s", target, options),
                has_option(options, "nodev") || strcmp(kind, "devpts") == 0);
        else
            HOLDS(text("%s is read-only: %s", target, options), has_option(options, "ro"));
        HOLDS(text("%s is nosuid: %s", target, options), has_option(options, "nosuid"));
    }
    return verdict();
}
