// attack: more descriptors than it was given, also by hiding them in sockets (SCM_RIGHTS, unix(7))
// limits: open_files=256
// expect: refused
#include "attack.h"
#include <sys/resource.h>
#include <sys/socket.h>

static int hide(int through, int fd)
{
    char byte = 'x', room[CMSG_SPACE(sizeof fd)] = {0};
    struct msghdr message = {
        .msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    *control = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    return sendmsg(through, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int main(void)
{
    int pair[2], hidden = 0, count = 3, fd;
    REFUSED("raise the limit", setrlimit(RLIMIT_NOFILE, &(struct rlimit){65536, 65536}), EPERM);
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0) broken("socketpair");
    while (hidden < 100000 && hide(pair[0], 0) == 0) hidden++;
    int error = errno;
    printf("%d hidden in one socket\n", hidden);
    errno = error;
    REFUSED("one more hidden", hidden < 100000 ? -1 : 0, ETOOMANYREFS, EAGAIN, ENOBUFS);
    while (count < 100000 && (fd = dup(0)) >= 0) count++;
    error = errno;
    printf("%d open\n", count + 2);
    errno = error;
    REFUSED("one more open", count < 100000 ? -1 : 0, EMFILE);
    REFUSED("dup2 above the limit", dup2(0, 256), EBADF, EMFILE);
    HOLDS("no more than 256 are open", count + 2 <= 256);
    return verdict();
}
