#include "src/wfp/policy/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/source.h"

/* Reads to the end: works for pipes and for /dev/stdin too. */
static int read_all(FILE *file, struct arena *arena, const char **text, size_t *length)
{
    size_t room = 1u << 16;
    char *buffer = malloc(room);
    *length = 0;
    while (buffer != NULL && *length <= SOURCE_MAX_LENGTH) {
        *length += fread(buffer + *length, 1, room - *length, file);
        if (*length < room)
            break;
        char *bigger = realloc(buffer, room *= 2);
        if (bigger == NULL)
            free(buffer);
        buffer = bigger;
    }
    if (buffer == NULL)
        return -ENOMEM;
    int error = ferror(file) ? -EIO : *length > SOURCE_MAX_LENGTH ? -EFBIG : 0;
    if (error == 0)
        *text = arena_strndup(arena, buffer, *length);
    free(buffer);
    return error;
}

static int host_read(void *ctx, struct arena *arena, const char *path, const char **text,
                     size_t *length)
{
    struct stat info;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    int error = fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)
                    ? -EISDIR
                    : read_all(file, arena, text, length);
    fclose(file);
    return error;
}

static const struct path *host_match(void *ctx, struct arena *arena, const char *pattern)
{
    const struct path *found = NULL;
    glob_t names = {0};
    if (glob(pattern, 0, NULL, &names) != 0)
        return NULL;
    for (size_t i = names.gl_pathc; i-- > 0;) {
        struct stat info;
        if (stat(names.gl_pathv[i], &info) != 0 || !S_ISREG(info.st_mode))
            continue;
        struct path *path = arena_alloc(arena, sizeof(*path));
        path->text = arena_strdup(arena, names.gl_pathv[i]);
        path->next = found;
        found = path;
    }
    globfree(&names);
    return found;
}

static const char *host_canonical(void *ctx, struct arena *arena, const char *path)
{
    char *real = realpath(path, NULL);
    if (real == NULL)
        return NULL;
    const char *copy = arena_strdup(arena, real);
    free(real);
    return copy;
}

static bool host_user(void *ctx, const char *name, uint32_t *uid)
{
    const struct passwd *entry = getpwnam(name);
    if (entry != NULL)
        *uid = entry->pw_uid;
    return entry != NULL;
}

static bool host_group(void *ctx, const char *name, uint32_t *gid)
{
    const struct group *entry = getgrnam(name);
    if (entry != NULL)
        *gid = entry->gr_gid;
    return entry != NULL;
}

static bool host_service(void *ctx, const char *name, uint16_t *port)
{
    const struct servent *entry = getservbyname(name, NULL);
    if (entry != NULL)
        *port = (uint16_t)(((unsigned)entry->s_port & 0xff) << 8 | (unsigned)entry->s_port >> 8);
    return entry != NULL;
}

static bool host_interface(void *ctx, const char *name, uint32_t *index)
{
    *index = if_nametoindex(name);
    return *index != 0;
}

const struct environment environment_host = {
    .read = host_read,
    .match = host_match,
    .canonical = host_canonical,
    .user = host_user,
    .group = host_group,
    .service = host_service,
    .interface = host_interface,
};
