// attack: the first step of "Copy Fail": an AF_ALG socket to splice a file's pages into (CVE-2026-31431)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/if_alg.h>
#include <sys/socket.h>

int main(void)
{
    static const struct {
        const char *type, *name;
    } CIPHERS[] = {{"aead", "authencesn(hmac(sha256),cbc(aes))"}, {"skcipher", "cbc(aes)"}, {"hash", "sha256"}};
    int file = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    if (file < 0) broken("no /usr/bin/env");
    for (size_t i = 0; i < sizeof CIPHERS / sizeof *CIPHERS; i++) {
        struct sockaddr_alg address = {.salg_family = AF_ALG};
        strcpy((char *)address.salg_type, CIPHERS[i].type);
        strcpy((char *)address.salg_name, CIPHERS[i].name);
        int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        REFUSED(text("AF_ALG socket for %s", CIPHERS[i].name), fd, EPERM, EACCES, EAFNOSUPPORT);
        if (fd >= 0)
            printf("bind %s: %s\n", CIPHERS[i].type,
                bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? "worked" : strerrorname_np(errno));
    }
    return verdict();
}
