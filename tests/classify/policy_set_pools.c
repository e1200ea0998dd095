/* The programs and users of policy sets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/sd.h"
#include "model/utf16.h"
#include "policy_set_build.h"

#define PATH "/usr/lib/openwfp/programs/%u"

uint32_t set_popular(struct random *random, uint32_t count)
{
    double even = (double)(random_next(random) >> 11) / 9007199254740992.0;
    return (uint32_t)(pow(count + 1.0, even) - 1) % count;
}

/* ---- programs ---- */

static uint32_t intern_program(void *ctx, const char *path)
{
    unsigned program = 0;
    return sscanf(path, PATH, &program) == 1 && program <= SET_PROGRAMS ? program : 0;
}

const struct classify_intern policy_set_intern = {.app = intern_program};

FWP_BYTE_BLOB set_program_blob(uint32_t program)
{
    static WCHAR *paths[SET_PROGRAMS + 1];
    char path[64];
    snprintf(path, sizeof path, PATH, program);
    if (paths[program] == NULL)
        paths[program] = utf16_from_utf8(path);
    return (FWP_BYTE_BLOB){(uint32_t)(utf16_length(paths[program]) + 1) * sizeof(WCHAR),
                           (uint8_t *)paths[program]};
}

uint32_t set_program_number(const FWP_BYTE_BLOB *blob)
{
    char *path = utf16_to_utf8((const WCHAR *)(const void *)blob->data);
    uint32_t program = path == NULL ? 0 : intern_program(NULL, path);
    free(path);
    return program;
}

/* ---- users ---- */

void set_groups(uint32_t uid, uint32_t gids[2])
{
    gids[0] = 100 + uid % 8;
    gids[1] = 200 + uid % 5;
}

/* One user; a few users; a group; a group without one of its users. */
static void write_sddl(uint32_t descriptor, char *text, size_t size, uint32_t *uid)
{
    uint32_t gids[2], user = SET_FIRST_USER + descriptor % SET_USERS;
    set_groups(user, gids);
    *uid = user;
    switch (descriptor % 8) {
    case 5:
        snprintf(text, size, "D:(A;;CC;;;S-1-22-1-%u)(A;;CC;;;S-1-22-1-%u)(A;;CC;;;S-1-22-1-0)",
                 user, user + 9);
        break;
    case 6:
        snprintf(text, size, "D:(A;;CC;;;S-1-22-2-%u)", gids[descriptor / 8 % 2]);
        break;
    case 7: /* the denied user is in the group, eight further */
        snprintf(text, size, "D:(D;;CC;;;S-1-22-1-%u)(A;;CC;;;S-1-22-2-%u)", user + 8, gids[0]);
        break;
    default:
        snprintf(text, size, "D:(A;;CC;;;S-1-22-1-%u)", user);
    }
}

static FWP_BYTE_BLOB descriptors[SET_DESCRIPTORS];

FWP_BYTE_BLOB *set_descriptor(uint32_t descriptor)
{
    FWP_BYTE_BLOB *made = &descriptors[descriptor];
    const char *at, *why;
    char text[160];
    uint32_t uid;
    write_sddl(descriptor, text, sizeof text, &uid);
    if (made->data == NULL && !sddl_parse(text, made, &at, &why)) {
        fprintf(stderr, "%s: %s\n", text, why);
        exit(1);
    }
    return made;
}

uint32_t set_user_of(const FWP_BYTE_BLOB *descriptor)
{
    char text[160];
    uint32_t uid;
    write_sddl((uint32_t)(descriptor - descriptors), text, sizeof text, &uid);
    return uid;
}
