// attack: connecting to an abstract or a path socket of the host (CVE-2020-15257 containerd-shim)
// env: HOST_ABSTRACT HOST_SOCKET
// expect: refused
//
// The harness listens on the abstract name HOST_ABSTRACT and on the path HOST_SOCKET, and fails if anything arrives.
#include "attack.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int reach(const char *name, int abstract, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path + abstract, name, sizeof address.sun_path - 2);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) broken("no UNIX socket");
    int result =
        connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int main(void)
{
    static const char *const PATHS[] = {"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock",
        "/run/containerd/containerd.sock", "/run/systemd/private", "/run/systemd/journal/socket",
        "/run/dbus/system_bus_socket", "/dev/log", "/tmp/.X11-unix/X0"};
    static const char *const NAMES[] = {
        "/tmp/.X11-unix/X0", "/containerd-shim/", "/tmp/dbus-", "stockade", "stockade/control"};
    const char *abstract = given("HOST_ABSTRACT"), *path = given("HOST_SOCKET");
    // EPERM and EACCES are landlock's answer (scope, RESOLVE_UNIX); ECONNREFUSED that of a namespace without the name.
    REFUSED(text("abstract %s", abstract), reach(abstract, 1, SOCK_STREAM), ECONNREFUSED, EPERM, EACCES);
    REFUSED(text("abstract %s datagram", abstract), reach(abstract, 1, SOCK_DGRAM), ECONNREFUSED, EPERM, EACCES);
    REFUSED(text("abstract %s packets", abstract), reach(abstract, 1, SOCK_SEQPACKET), ECONNREFUSED, EPERM, EACCES);
    REFUSED(text("path %s", path), reach(path, 0, SOCK_STREAM), HIDDEN);
    REFUSED("path by init's root", reach(text("/proc/1/root%.80s", path), 0, SOCK_STREAM), HIDDEN);
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++)
        REFUSED(text("path %s", PATHS[i]), reach(PATHS[i], 0, SOCK_STREAM), HIDDEN);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        REFUSED(text("abstract %s", NAMES[i]), reach(NAMES[i], 1, SOCK_STREAM), ECONNREFUSED, EPERM, EACCES);
    return verdict();
}
