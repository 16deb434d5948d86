// attack: kill(-1, SIGKILL): everything it may signal, which must be only its own processes (kill(2))
// expect: refused
#include "attack.h"

int main(void)
{
    pid_t child = fork();
    if (child == 0)
        for (;;) pause();
    int sent = kill(-1, SIGKILL);
    printf("kill(-1): %s\n", sent == 0 ? "sent" : strerrorname_np(errno));
    int status = 0;
    if (sent < 0) kill(child, SIGKILL);
    waitpid(child, &status, 0);
    HOLDS("its own child is dead", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    HOLDS("init is alive", getppid() == 1);
    kill(-1, SIGSTOP);
    kill(0, 0);
    HOLDS("init still is", getppid() == 1 && (kill(1, 0) == 0 || errno == EPERM));
    return verdict();
}
