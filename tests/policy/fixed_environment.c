#include "tests/policy/fixed_environment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/policy/key.h"

struct number_of {
    const char *name;
    uint32_t number;
};

static bool look_up(const struct number_of *table, const char *name, uint32_t *number)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            *number = table->number;
            return true;
        }
    }
    return false;
}

static int fixed_read(void *ctx, struct arena *arena, const char *path, const char **text,
                      size_t *length)
{
    if (ctx == NULL)
        return -ENOENT;
    return environment_host.read(NULL, arena, arena_printf(arena, "%s/%s", (const char *)ctx, path),
                                 text, length);
}

static const struct path *fixed_match(void *ctx, struct arena *arena, const char *pattern)
{
    static const struct path dig = {"/usr/bin/dig", NULL};
    static const struct path curl = {"/usr/bin/curl", &dig};
    static const struct path include = {"good/parts/one.inc", NULL};
    if (strcmp(pattern, "/usr/bin/*") == 0)
        return &curl;
    return strcmp(pattern, "good/parts/*.inc") == 0 ? &include : NULL;
}

static const char *fixed_canonical(void *ctx, struct arena *arena, const char *path)
{
    if (strcmp(path, "/usr/bin/python3") == 0)
        return "/usr/bin/python3.11";
    return strncmp(path, "/usr/", 5) == 0 ? path : NULL;
}

static bool fixed_user(void *ctx, const char *name, uint32_t *uid)
{
    static const struct number_of users[] = {
        {"root", 0}, {"www-data", 33}, {"postgres", 70}, {NULL, 0}};
    return look_up(users, name, uid);
}

static bool fixed_group(void *ctx, const char *name, uint32_t *gid)
{
    static const struct number_of groups[] = {{"admin", 110}, {"www-data", 33}, {NULL, 0}};
    return look_up(groups, name, gid);
}

static bool fixed_service(void *ctx, const char *name, uint16_t *port)
{
    static const struct number_of services[] = {
        {"ssh", 22}, {"http", 80}, {"https", 443}, {"domain", 53}, {NULL, 0}};
    uint32_t number;
    if (!look_up(services, name, &number))
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool fixed_interface(void *ctx, const char *name, uint32_t *index)
{
    static const struct number_of interfaces[] = {{"lo", 1}, {"eth0", 2}, {NULL, 0}};
    return look_up(interfaces, name, index);
}

static bool fixed_callout(void *ctx, const char *name, const GUID *layer, GUID *key)
{
    if (strcmp(name, "limiter") != 0 || (!guid_equal(layer, &FWPM_LAYER_ALE_AUTH_CONNECT_V4) &&
                                         !guid_equal(layer, &FWPM_LAYER_ALE_AUTH_CONNECT_V6)))
        return false;
    *key = key_of_callout(name);
    return true;
}

const struct environment fixed_environment = {
    .read = fixed_read,
    .match = fixed_match,
    .canonical = fixed_canonical,
    .user = fixed_user,
    .group = fixed_group,
    .service = fixed_service,
    .interface = fixed_interface,
    .callout = fixed_callout,
};
