// attack: running the setuid, setgid and file-capability programs that are visible (execve(2), capabilities(7))
// limits: wall_time_ms=20000
// expect: refused
//
// ld.so prints the auxiliary vector (LD_SHOW_AUXV) only for a program that has gained nothing; in one that has,
// AT_SECURE is 1 and the wish is ignored. A root file system without any such program is accepted, and said.
#include "attack.h"
#include <ftw.h>
#include <sys/xattr.h>

static char *found[64];
static int count;

static int look(const char *path, const struct stat *info, int kind, struct FTW *unused)
{
    (void)unused;
    if (kind == FTW_D && (strcmp(path, "/usr/share") == 0 || strcmp(path, "/usr/include") == 0))
        return FTW_SKIP_SUBTREE;
    if (kind != FTW_F || !S_ISREG(info->st_mode) || !(info->st_mode & 0111)) return 0;
    if ((info->st_mode & (S_ISUID | S_ISGID)) || lgetxattr(path, "security.capability", NULL, 0) > 0)
        if (count < 64 && access(path, X_OK) == 0) found[count++] = strdup(path);
    return 0;
}

static const char *word(const char *output, const char *name)
{
    const char *at = strstr(output, name);
    return at ? at + strlen(name) + strspn(at + strlen(name), " ") : "?";
}

static void run(const char *path)
{
    int ends[2];
    if (pipe(ends) < 0) broken("pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        setenv("LD_SHOW_AUXV", "1", 1);
        alarm(1);
        execl(path, path, "--help", NULL);
        _exit(errno);
    }
    close(ends[1]);
    char output[8192];
    size_t used = 0;
    for (ssize_t got; (got = read(ends[0], output + used, sizeof output - 1 - used)) > 0;) used += got;
    output[used] = 0;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    if (used == 0 && WIFEXITED(status) && WEXITSTATUS(status) == EACCES) {
        printf("%s: EACCES\n", path);
        tries++;
        return;
    }
    HOLDS(
        text("%s runs without AT_SECURE", path), atoi(word(output, "AT_SECURE:")) == 0 && strstr(output, "AT_SECURE:"));
    HOLDS(text("%s runs with the job's own ids", path),
        (uid_t)atoi(word(output, "AT_EUID:")) == getuid() && (gid_t)atoi(word(output, "AT_EGID:")) == getgid());
}

int main(void)
{
    HOLDS("not root to begin with", getuid() != 0 && geteuid() != 0);
    nftw("/usr", look, 32, FTW_PHYS | FTW_MOUNT | FTW_ACTIONRETVAL);
    nftw("/opt", look, 32, FTW_PHYS | FTW_MOUNT | FTW_ACTIONRETVAL);
    if (count == 0) printf("no privileged program is visible\n");
    for (int i = 0; i < count; i++) run(found[i]);
    return verdict();
}
