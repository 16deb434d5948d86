// attack: everything but a plain file where artifacts are collected (CVE-2024-28185, go-judge #176)
// env: HOST_FILE
// artifacts: out/**
// expect: refused
// expect-artifact: out/plain 5
// expect-artifact: out/hard 5
// expect-artifact: out/deep/a/b/c 5
// expect-artifact-error: out/link not_regular|absent
// expect-artifact-error: out/link-relative not_regular|absent
// expect-artifact-error: out/link-own not_regular|absent
// expect-artifact-error: out/link-proc not_regular|absent
// expect-artifact-error: out/link-loop not_regular|absent
// expect-artifact-error: out/link-folder not_regular|absent
// expect-artifact-error: out/link-folder/passwd not_regular|absent
// expect-artifact-error: out/fifo not_regular|absent
// expect-artifact-error: out/socket not_regular|absent
//
// HOST_FILE names a file that exists only on the host: whoever follows out/link there follows it outside. The harness
// fails if its text is in any artifact or if it has changed, and if collecting blocks on the fifo.
#include "attack.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
    static const char *const NAMES[] = {
        "stdin", "stdout", "stderr", "metadata", "status", "result.json", ".stockade", "run.sh", "core", "out/stdout"};
    const char *canary = given("HOST_FILE");
    mkdir("out", 0755);
    mkdir("out/deep", 0755);
    mkdir("out/deep/a", 0755);
    mkdir("out/deep/a/b", 0755);
    own_file("out/plain", "plain", 0644);
    own_file("out/deep/a/b/c", "depth", 0644);
    if (link("out/plain", "out/hard") < 0) broken("link");
    const char *const links[][2] = {{canary, "out/link"},
        {text("../../../../../../../..%s", canary), "out/link-relative"}, {"plain", "out/link-own"},
        {"/proc/self/environ", "out/link-proc"}, {"link-loop", "out/link-loop"}, {"/etc", "out/link-folder"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]) < 0) broken("symlink %s", links[i][1]);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (symlink(canary, NAMES[i]) < 0) broken("symlink %s", NAMES[i]);
    if (mkfifo("out/fifo", 0666) < 0) broken("mkfifo");
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "out/socket"};
    if (bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) < 0) broken("bind");
    // Names that are no text, or look like a way up or a header.
    own_file("out/\xff\xfe.bin", "bytes", 0644);
    own_file("out/line\nbreak", "lines", 0644);
    own_file("out/..\\..\\up", "slash", 0644);
    own_file("out/unreadable", "mode0", 0000);
    REFUSED("a device among them", mknod("out/device", S_IFCHR | 0666, 0x0103), READ_ONLY);
    REFUSED("a hard link to a file of the host", link("/etc/passwd", "out/passwd"), EXDEV, EPERM, EACCES, EROFS);
    return verdict();
}
