/* What a program in an image may really do, and what one in a job may try. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static int rights(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	printf("euid %d egid %d\n", geteuid(), getegid());
	while (status && fgets(line, sizeof line, status))
		if (!strncmp(line, "CapPrm", 6) || !strncmp(line, "CapEff", 6))
			fputs(line, stdout);
	return 0;
}

/* Two names of one folder change places, again and again. */
static int flip(const char *one, const char *other, long times)
{
	for (long i = 0; i < times; i++)
		if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)) {
			perror("renameat2");
			return 1;
		}
	printf("%ld\n", times);
	return 0;
}

int main(int count, char **words)
{
	if (count == 5 && !strcmp(words[1], "flip"))
		return flip(words[2], words[3], atol(words[4]));
	return rights();
}
