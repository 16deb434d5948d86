// attack: seeing or reaching processes that are not its own (pid_namespaces(7))
// profile: default build
// expect: refused
#include "attack.h"

int main(void)
{
    DIR *proc = opendir("/proc");
    if (!proc) broken("no /proc");
    int own = getpid(), seen_own = 0;
    for (struct dirent *entry; (entry = readdir(proc));) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end || pid <= 0) continue;
        seen_own |= pid == own;
        HOLDS(text("pid %ld is init or itself", pid), pid == 1 || pid == own);
    }
    closedir(proc);
    HOLDS("its own entry is listed", seen_own);
    HOLDS("pids start small", own < 100);
    HOLDS("the parent is init", getppid() == 1);
    // Both are 0 where the leader is a process outside.
    HOLDS("the session is of this namespace", getsid(0) > 0);
    HOLDS("the process group is of this namespace", getpgrp() > 0);
    int reached = 0;
    for (int pid = 2; pid < 70000; pid++)
        if (pid != own && kill(pid, 0) == 0) reached++;
    HOLDS("no other pid up to 70000 answers kill(pid, 0)", reached == 0);
    return verdict();
}
