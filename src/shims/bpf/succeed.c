/*
 * Taking over from another version, whose pins can't be adopted: ours are made beside them, in
 * "<directory>_next". The programs of both decide, and both must permit, until our first policy is
 * in force; then the directories are exchanged in one step, and theirs is removed. Whoever is
 * killed before that step leaves theirs as it was, behind it ours is complete: either way what is
 * called "_next" at the next start is litter.
 *
 * Of theirs we read the version number and what abi.h promises not to change: the flows, so that
 * answers to datagrams still arrive, and which sockets' operations are held. Nobody can answer
 * those any more: connections and listeners are ended; a bind that is done can not be.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define SUFFIX "_next"

static int beside(const char *pin_dir, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s" SUFFIX, pin_dir) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int succession_clear(const char *pin_dir, struct shim_error *error)
{
    char path[PATH_MAX];

    return beside(pin_dir, path) ? 0 : pins_remove(path, error);
}

/* Opens a map of theirs; -1: it isn't there or has another shape than ours. */
static int open_theirs(const struct shim *shim, enum shim_map map, uint32_t key_size,
                       uint32_t value_size)
{
    struct bpf_map_info info = {0};
    uint32_t length = sizeof(info);
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%.*s/%s",
                 (int)(strlen(shim->pin_dir) - (shim->succeeding ? strlen(SUFFIX) : 0)),
                 shim->pin_dir, shim_map_names[map]) >= PATH_MAX)
        return -1;
    fd = bpf_obj_get(path);
    if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length) && info.key_size == key_size &&
        (!value_size || info.value_size == value_size))
        return fd;
    close_fd(&fd);
    return -1;
}

/* The number is the first thing in the state of every version. */
static uint32_t their_version(const struct shim *shim)
{
    CLEANUP_FD int fd = open_theirs(shim, MAP_STATE, sizeof(uint32_t), 0);
    struct bpf_map_info info = {0};
    uint32_t length = sizeof(info), zero = 0, version = 0, *state;

    if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
        return 0;
    state = calloc(1, info.value_size + sizeof(*state));
    if (state && !bpf_map_lookup_elem(fd, &zero, state))
        version = *state;
    free(state);
    return version;
}

bool succession_due(const struct shim *shim)
{
    uint32_t version = their_version(shim);

    return version && version != ALE_ABI;
}

int succession_begin(struct shim *shim, struct shim_error *error)
{
    if (strlen(shim->pin_dir) + sizeof(SUFFIX) > sizeof(shim->pin_dir))
        return shim_fail(error, -ENAMETOOLONG, "the pin directory's name is too long");
    strcat(shim->pin_dir, SUFFIX);
    shim->succeeding = true;
    return 0;
}

/* ---- what is held ---- */

/* The key begins with the socket's cookie. */
static int list_held(const struct shim *shim, struct shim_cookies *held)
{
    CLEANUP_FD int fd = open_theirs(shim, MAP_HELD, sizeof(struct ale_held_key), 0);
    struct ale_held_key key, next, *previous = NULL;

    while (fd >= 0 && held->count < ALE_HELD && !bpf_map_get_next_key(fd, previous, &next)) {
        key = next;
        previous = &key;
        if (!held->list && !(held->list = calloc(ALE_HELD, sizeof(*held->list))))
            return -ENOMEM;
        held->list[held->count++] = next.cookie;
    }
    return 0;
}

int succession_end_held(struct shim *shim, struct shim_error *error)
{
    struct shim_cookies held = {0};
    int result = list_held(shim, &held);

    if (!result && held.count)
        result = reauthorize_end(shim, &held, error);
    else if (result)
        shim_fail(error, result, "out of memory");
    free(held.list);
    return result;
}

/* ---- flows ---- */

/* As of an older policy: their next packet is authorized again, the way they were made. Our
 * programs have seen packets of them, too, but not who began. */
static void copy_flows(const struct shim *shim, int from)
{
    struct ale_flow_key key, next, *previous = NULL;
    struct ale_flow flow;

    for (uint32_t i = 0; i < ALE_FLOWS && !bpf_map_get_next_key(from, previous, &next); i++) {
        key = next;
        previous = &key;
        if (bpf_map_lookup_elem(from, &key, &flow))
            continue;
        flow.generation = 0;
        bpf_map_update_elem(shim->maps[MAP_FLOWS], &key, &flow, BPF_ANY);
    }
}

void succession_inherit(const struct shim *shim)
{
    CLEANUP_FD int from =
        open_theirs(shim, MAP_FLOWS, sizeof(struct ale_flow_key), sizeof(struct ale_flow));

    if (from >= 0)
        copy_flows(shim, from);
}

/* ---- the change ---- */

int succession_complete(struct shim *shim, struct shim_error *error)
{
    char ours[PATH_MAX], theirs[PATH_MAX];
    int result;

    strcpy(ours, shim->pin_dir);
    strcpy(theirs, shim->pin_dir);
    theirs[strlen(theirs) - strlen(SUFFIX)] = '\0';
    pthread_mutex_lock(&shim->code_lock);
    result = renameat2(AT_FDCWD, ours, AT_FDCWD, theirs, RENAME_EXCHANGE) ? -errno : 0;
    if (!result) {
        strcpy(shim->pin_dir, theirs);
        shim->succeeding = false;
    }
    pthread_mutex_unlock(&shim->code_lock);
    if (result)
        return shim_fail(error, result, "can't put %s in the place of %s: %s", ours, theirs,
                         strerror(-result));
    return pins_remove(ours, error);
}
