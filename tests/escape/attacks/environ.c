// attack: finding the daemon's environment (tokens) in its own (environ(7))
// env: GIVEN=visible HOST_SECRET_NAME
// expect: refused
//
// The harness starts the daemon with one more variable and tells its name, never its value, as HOST_SECRET_NAME.
#include "attack.h"

extern char **environ;

int main(void)
{
    static const char *const USUAL[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR",
        "HOSTNAME", "PWD", "GIVEN", "HOST_SECRET_NAME", NULL};
    const char *secret = given("HOST_SECRET_NAME");
    HOLDS("the job's own variable arrived", strcmp(given("GIVEN"), "visible") == 0);
    HOLDS(text("%s did not", secret), getenv(secret) == NULL);
    for (char **entry = environ; *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        const char *const *usual = USUAL;
        while (*usual && (strlen(*usual) != length || strncmp(*usual, *entry, length) != 0)) usual++;
        HOLDS(text("%.*s is a usual variable", (int)length, *entry), *usual || strncmp(*entry, "LC_", 3) == 0);
    }
    // The same as the kernel keeps it, where variables that libc dropped or that init unset by hand would still show.
    static char block[1 << 16];
    if (!slurp("/proc/self/environ", block, sizeof block)) broken("cannot read own environ");
    size_t listed = 0, kept = 0;
    for (char **entry = environ; *entry; entry++) listed++;
    for (char *entry = block; *entry; entry += strlen(entry) + 1) kept++;
    HOLDS("the kernel keeps no more variables than those", kept == listed);
    return verdict();
}
