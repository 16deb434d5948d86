// attack: making init execute itself by a script `#!/proc/self/exe`, with this library loaded into it (CVE-2019-5736)
// cflags: -shared -fPIC
// env: LD_PRELOAD=/workspace/runtime_script
// file: script 0755 #!/proc/self/exe
// command: ./script
// expect: refused or status failed
//
// Where the runtime is static or refuses to start this way, the library is never loaded and the step simply fails.
#include "attack.h"

static __attribute__((constructor)) void inside_the_runtime(void)
{
    char link[512] = "";
    if (readlink("/proc/self/exe", link, sizeof link - 1) < 0) broken("no /proc/self/exe");
    printf("loaded into %s\n", link);
    REFUSED("open its binary for writing", try_open("/proc/self/exe", O_WRONLY), ETXTBSY, EPERM, EACCES, EROFS);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) broken("cannot open the binary");
    REFUSED("write through a read-only descriptor", write(fd, "x", 1), EBADF);
    REFUSED("truncate it", ftruncate(fd, 0), EINVAL, EPERM, EBADF);
    REFUSED("open it again for writing", try_open(text("/proc/self/fd/%d", fd), O_RDWR), ETXTBSY, EPERM, EACCES, EROFS);
    // Exec something else, so that the text is no longer busy, and try again: so the runtime was overwritten.
    if (fcntl(fd, F_SETFD, 0) < 0) broken("fcntl");
    unsetenv("LD_PRELOAD");
    int code = verdict();
    fflush(stdout);
    if (code == 0)
        execl("/bin/sh", "sh", "-c",
            text(
                "if (: >> /proc/self/fd/%d) 2>/dev/null; then echo ESCAPED: it is writable; else echo refused; fi", fd),
            NULL);
    _exit(3);
}
