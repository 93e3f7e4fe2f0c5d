/* Stands before libc's getaddrinfo in a process under LD_PRELOAD: the file NAMES has a name and what becomes of it on
   each line, an address, "fails" or "silent", as of a server of names that says nothing; other names are libc's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTEMPTS 2
#define PATIENCE 5 /* seconds for each, as libc has it */

typedef int (*lookup)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int is_known(const char *node, char *answer) {
    char name[256];
    int found = 0;
    FILE *names = fopen(getenv("NAMES"), "r");
    while (names && !found && fscanf(names, "%255s %255s", name, answer) == 2)
        found = !strcmp(name, node);
    if (names)
        fclose(names);
    return found;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    lookup of_libc = (lookup)dlsym(RTLD_NEXT, "getaddrinfo");
    char answer[256];
    if (!node || !is_known(node, answer))
        return of_libc(node, service, hints, found);
    for (int attempt = 0; attempt < ATTEMPTS && !strcmp(answer, "silent"); attempt++) {
        sleep(PATIENCE);
        is_known(node, answer);
    }
    if (!strcmp(answer, "silent") || !strcmp(answer, "fails"))
        return EAI_AGAIN;
    return of_libc(answer, service, hints, found);
}
