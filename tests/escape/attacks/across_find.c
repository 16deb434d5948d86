// attack: finding what another job has left or is using: IPC, sockets, files (go-judge pool, isolate 2.6)
// limits: wall_time_ms=20000
// pair: across_leave
// alone: the pair runs across_leave in two attacks, and its name is looked for afterwards
// expect: refused
//
// The harness starts across_leave, then this one while that one lives, then this one again when it has ended.
#include "across.h"

int main(void)
{
    for (int round = 0; round < 20; round++, usleep(50000)) {
        REFUSED("SysV shared memory", shmget(ACROSS_KEY, 4096, 0666), ENOENT, EPERM, ENOSYS);
        REFUSED("SysV semaphore", semget(ACROSS_KEY, 1, 0666), ENOENT, EPERM, ENOSYS);
        REFUSED("SysV queue", msgget(ACROSS_KEY, 0666), ENOENT, EPERM, ENOSYS);
        REFUSED("POSIX queue", mq_open(ACROSS_NAME, O_RDWR), ENOENT, EPERM, ENOSYS);
        REFUSED("POSIX shared memory", shm_open(ACROSS_NAME, O_RDWR, 0), ENOENT);
        REFUSED("file in /tmp", try_open("/tmp" ACROSS_NAME, O_RDWR), ENOENT);
        REFUSED("file in /workspace", try_open("/workspace" ACROSS_NAME, O_RDWR), ENOENT);
        REFUSED("abstract socket", across_unix(connect), ECONNREFUSED, EPERM);
        REFUSED("TCP port", across_tcp(connect), ECONNREFUSED, EACCES);
    }
    // By number instead of by key: any object at all that is not its own.
    for (int id = 0; id < 4096; id++)
        if (shmat(id, NULL, SHM_RDONLY) != (void *)-1) HOLDS(text("shared memory %d is not there", id), 0);
    struct shm_info info;
    int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
    if (highest >= 0) HOLDS("no shared memory exists", info.used_ids == 0);
    return verdict();
}
