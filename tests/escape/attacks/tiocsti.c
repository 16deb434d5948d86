// attack: typing into the terminal's input, TIOCSTI and kin (CVE-2017-5226, CVE-2023-28100; high bits: CVE-2019-10063)
// profile: default build
// expect: refused
//
// Tried on stdin and on a terminal of its own, where without the filter TIOCSTI works for everyone. On the kernel's
// side the command has 32 bits: a filter that compares 64 is passed by the variants with more.
#include "attack.h"
#include <sys/ioctl.h>
#include <termios.h>

#define WITH_HIGH_BITS(command) ((command) | 0x100000000UL)

static void all(const char *where, int fd)
{
    static const struct {
        const char *name;
        unsigned long command;
    } COMMANDS[] = {{"TIOCSTI", 0x5412}, {"TIOCLINUX", 0x541c}, {"TIOCCONS", 0x541d}};
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        char argument[8] = "x";
        REFUSED(
            text("%s on %s", COMMANDS[i].name, where), syscall(SYS_ioctl, fd, COMMANDS[i].command, argument), EPERM);
        REFUSED(text("%s with high bits on %s", COMMANDS[i].name, where),
            syscall(SYS_ioctl, fd, WITH_HIGH_BITS(COMMANDS[i].command), argument), EPERM);
        REFUSED(text("%s with all high bits on %s", COMMANDS[i].name, where),
            syscall(SYS_ioctl, fd, COMMANDS[i].command | 0xffffffff00000000UL, argument), EPERM);
    }
}

int main(void)
{
    all("stdin", 0);
    REFUSED("/dev/tty", try_open("/dev/tty", O_RDWR), ENXIO, HIDDEN);
    REFUSED("/dev/console", try_open("/dev/console", O_RDWR), HIDDEN);
    REFUSED("/dev/tty0", try_open("/dev/tty0", O_RDWR), HIDDEN);
    REFUSED("/dev/vcs", try_open("/dev/vcs", O_RDONLY), HIDDEN);

    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        broken("cannot open a terminal of its own: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        setsid();
        int slave = open(ptsname(master), O_RDWR);   // becomes the controlling terminal of the new session
        if (slave < 0) broken("cannot open the other end");
        all("its own terminal", slave);
        exit(escapes ? 1 : unclear ? 2 : 0);
    }
    int status;
    waitpid(child, &status, 0);
    HOLDS("nor on its own terminal", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return verdict();
}
