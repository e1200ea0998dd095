/*
 * Interning of programs' paths. The kernel does the same for programs it meets: both sides take
 * numbers from one counter by atomic add, and whoever enters a path first gives it its number.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define KERNEL_MINOR_BITS 20

static int policy_app_remember(struct shim *shim, uint32_t number)
{
    for (size_t i = 0; i < shim->policy_app_count; i++)
        if (shim->policy_apps[i] == number)
            return 0;
    if (shim->policy_app_count == shim->policy_app_room) {
        size_t room = shim->policy_app_room ? 2 * shim->policy_app_room : 64;
        uint32_t *grown = realloc(shim->policy_apps, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        shim->policy_apps = grown;
        shim->policy_app_room = room;
    }
    shim->policy_apps[shim->policy_app_count++] = number;
    return 0;
}

/* The name stands before the number can be found. */
static uint32_t app_enter(struct shim *shim, const struct ale_path *path)
{
    uint32_t number;

    if (!bpf_map_lookup_elem(shim->maps[MAP_APPS], path, &number))
        return number;
    if (__atomic_load_n(&shim->state->next_app, __ATOMIC_RELAXED) >= ALE_APPS)
        return 0;
    number = __atomic_fetch_add(&shim->state->next_app, 1, __ATOMIC_RELAXED);
    if (number >= ALE_APPS)
        return 0;
    shim->names[number] = *path;
    if (!bpf_map_update_elem(shim->maps[MAP_APPS], path, &number, BPF_NOEXIST))
        return number;
    return bpf_map_lookup_elem(shim->maps[MAP_APPS], path, &number) ? 0 : number;
}

uint32_t shim_app_number(struct shim *shim, const char *path)
{
    struct ale_path key = {0};
    uint32_t number;

    if (strlen(path) >= sizeof(key.text))
        return 0;
    strcpy(key.text, path);
    number = app_enter(shim, &key);
    return number && !policy_app_remember(shim, number) ? number : 0;
}

static void files_clear(struct shim *shim)
{
    struct ale_file file;

    while (!bpf_map_get_next_key(shim->maps[MAP_APP_FILES], NULL, &file))
        if (bpf_map_delete_elem(shim->maps[MAP_APP_FILES], &file))
            return;
}

/* The policy's programs as files, so that a process in another mount namespace is recognised. */
int apps_refresh_files(struct shim *shim)
{
    files_clear(shim);
    for (size_t i = 0; i < shim->policy_app_count; i++) {
        uint32_t number = shim->policy_apps[i];
        struct stat status;

        if (stat(shim->names[number].text, &status))
            continue;
        struct ale_file file = {
            .dev = (uint64_t)major(status.st_dev) << KERNEL_MINOR_BITS | minor(status.st_dev),
            .ino = status.st_ino,
        };
        if (bpf_map_update_elem(shim->maps[MAP_APP_FILES], &file, &number, BPF_ANY))
            return -errno;
    }
    shim->policy_apps_refreshed = shim->policy_app_count;
    return 0;
}
