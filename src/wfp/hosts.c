#include "src/wfp/hosts.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"

struct address {
    unsigned char bytes[16]; /* v6 form */
};

static bool parse(const char *text, struct address *address)
{
    struct in_addr v4;
    *address = (struct address){.bytes = {[10] = 0xff, 0xff}};
    if (inet_pton(AF_INET, text, &v4) != 1)
        return inet_pton(AF_INET6, text, address->bytes) == 1;
    memcpy(address->bytes + 12, &v4, 4);
    return true;
}

/* The line's first name when it is about the address. */
static const char *name_on(char *line, const struct address *wanted)
{
    struct address address;
    char *rest = NULL;
    line[strcspn(line, "#\n")] = '\0';
    const char *first = strtok_r(line, " \t\r", &rest);
    if (first == NULL || !parse(first, &address) || memcmp(&address, wanted, sizeof(address)) != 0)
        return NULL;
    return strtok_r(NULL, " \t\r", &rest);
}

const char *hosts_name(struct arena *arena, const char *text)
{
    struct address wanted;
    FILE *file = parse(text, &wanted) ? fopen(HOSTS_PATH, "re") : NULL;
    const char *name = NULL;
    char *line = NULL;
    size_t room = 0;
    while (file != NULL && name == NULL && getline(&line, &room, file) >= 0) {
        name = name_on(line, &wanted);
        if (name != NULL)
            name = arena_strdup(arena, name);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return name;
}
