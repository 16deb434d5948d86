// attack: a tree to collect that is deeper than any path and wider than any list (path_resolution(7))
// limits: wall_time_ms=60000 cpu_time_ms=60000
// artifacts: out/**
// expect: refused
// expect-artifact: out/first 5
//
// The collector may stop at a depth or a count and say so; it must neither fail nor take the daemon's memory or
// descriptors. The job ends in seconds.
#include "attack.h"

int main(void)
{
    int deep = 0, wide = 0;
    mkdir("out", 0755);
    own_file("out/first", "first", 0644);
    if (mkdir("out/wide", 0755) < 0 || mkdir("out/z-deep", 0755) < 0) broken("mkdir");
    if (chdir("out/z-deep") < 0) broken("chdir");
    // 2,000 levels of 250 characters: half a megabyte of path.
    char name[251];
    memset(name, 'd', 250);
    name[250] = 0;
    while (deep < 2000 && mkdir(name, 0755) == 0 && chdir(name) == 0) deep++;
    if (try_open("bottom", O_WRONLY | O_CREAT) < 0 && errno != ENOSPC) broken("bottom: %s", strerror(errno));
    if (chdir("/workspace/out/wide") < 0) broken("chdir back");
    while (wide < 100000 && try_open(text("%d", wide), O_WRONLY | O_CREAT | O_EXCL) == 0) wide++;
    printf("%d levels, %d files\n", deep, wide);
    HOLDS("there is something to collect", deep > 64 && wide > 1000);
    return verdict();
}
