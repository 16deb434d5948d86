// attack: one job leaves IPC objects, sockets and files for another to find (go-judge pool, isolate 2.6)
// limits: wall_time_ms=20000
// alone: the pair runs across_leave in two attacks, and its name is looked for afterwards
// expect: refused
//
// The other half is across_find, which runs beside this one. Nothing here is an attack on its own: what must work
// does, or the finding means nothing. What the profile refuses cannot be left either.
#include "across.h"

static void left(const char *what, long result)
{
    printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "left");
    if (result < 0 && errno != EPERM && errno != ENOSYS && errno != EACCES) unclear++;
    tries++;
}

int main(void)
{
    left("SysV shared memory", shmget(ACROSS_KEY, 4096, IPC_CREAT | 0666));
    left("SysV semaphore", semget(ACROSS_KEY, 1, IPC_CREAT | 0666));
    left("SysV queue", msgget(ACROSS_KEY, IPC_CREAT | 0666));
    left("POSIX queue", mq_open(ACROSS_NAME, O_CREAT | O_RDWR, 0666, NULL));
    left("POSIX shared memory", shm_open(ACROSS_NAME, O_CREAT | O_RDWR, 0666));
    left("file in /tmp", open("/tmp" ACROSS_NAME, O_CREAT | O_RDWR, 0666));
    left("file in /workspace", open("/workspace" ACROSS_NAME, O_CREAT | O_RDWR, 0666));
    int abstract = across_unix(bind), tcp = across_tcp(bind);
    left("abstract socket", abstract < 0 ? -1 : listen(abstract, 8));
    left("TCP port", tcp < 0 ? -1 : listen(tcp, 8));
    puts("ready");
    sleep(6);
    return verdict();
}
