// attack: reaching the host's loopback, its network, the cloud's metadata service (Judge0 CVE-2024-29021)
// limits: wall_time_ms=20000
// env: HOST_PORT HOST_ADDRESS
// expect: refused
//
// The harness listens for TCP and UDP on HOST_PORT, on 127.0.0.1 and on HOST_ADDRESS (an IPv4 address of the host
// that is not loopback; 127.0.0.1 again where it has none), and fails if anything arrives.
#include "attack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int reach(int type, const char *host, int port)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int is_six = strchr(host, ':') != NULL;
    if (inet_pton(is_six ? AF_INET6 : AF_INET, host, is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr) != 1)
        broken("bad address %s", host);
    int fd = socket(is_six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct timeval soon = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    int result = connect(fd, is_six ? (void *)&six : (void *)&four, is_six ? sizeof six : sizeof four);
    // A datagram is refused by an answer to it, which the next call reports.
    if (result == 0 && type == SOCK_DGRAM) {
        char answer;
        result = send(fd, "x", 1, 0) < 0 || recv(fd, &answer, 1, 0) < 0 ? -1 : 0;
    }
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int main(void)
{
    static const char *const FAR[] = {"10.0.0.1", "10.0.2.2", "172.17.0.1", "192.168.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "100.100.100.200", "8.8.8.8", "224.0.0.1", "255.255.255.255", "2001:4860:4860::8888",
        "fd00:ec2::254", "fe80::1", "64:ff9b::808:808"};
    int port = atoi(given("HOST_PORT"));
    const char *host = given("HOST_ADDRESS");
    // Loopback is the job's own: nobody listens there.
    REFUSED("host port on 127.0.0.1", reach(SOCK_STREAM, "127.0.0.1", port), ECONNREFUSED, EACCES, EPERM);
    REFUSED("host port on 0.0.0.0", reach(SOCK_STREAM, "0.0.0.0", port), ECONNREFUSED, EACCES, EPERM);
    REFUSED("host port on ::1", reach(SOCK_STREAM, "::1", port), ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EACCES,
        EPERM, EAFNOSUPPORT);
    REFUSED("host port on ::ffff:127.0.0.1", reach(SOCK_STREAM, "::ffff:127.0.0.1", port), ECONNREFUSED, ENETUNREACH,
        EACCES, EPERM, EAFNOSUPPORT);
    REFUSED("host port on its address", reach(SOCK_STREAM, host, port), ENETUNREACH, ECONNREFUSED, EACCES, EPERM);
    REFUSED("host datagram on 127.0.0.1", reach(SOCK_DGRAM, "127.0.0.1", port), ECONNREFUSED, EACCES, EPERM);
    REFUSED("host datagram on its address", reach(SOCK_DGRAM, host, port), ENETUNREACH, ECONNREFUSED, EACCES, EPERM);
    for (size_t i = 0; i < sizeof FAR / sizeof *FAR; i++) {
        REFUSED(text("TCP to %s", FAR[i]), reach(SOCK_STREAM, FAR[i], 80), ENETUNREACH, EACCES, EPERM, EAFNOSUPPORT,
            EINVAL);
        REFUSED(
            text("UDP to %s", FAR[i]), reach(SOCK_DGRAM, FAR[i], 53), ENETUNREACH, EACCES, EPERM, EAFNOSUPPORT, EINVAL);
    }
    return verdict();
}
