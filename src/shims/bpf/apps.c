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

static int policy_app_remember(struct shim_apps *apps, uint32_t number)
{
    uint8_t bit = 1u << number % 8;

    if (apps->has[number / 8] & bit)
        return 0;
    if (apps->count == apps->room) {
        size_t room = apps->room ? 2 * apps->room : 64;
        uint32_t *grown = realloc(apps->numbers, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        apps->numbers = grown;
        apps->room = room;
    }
    apps->has[number / 8] |= bit;
    apps->numbers[apps->count++] = number;
    return 0;
}

/* The name stands before the number can be found. */
static uint32_t app_enter(struct shim *shim, const struct ale_path *path)
{
    struct ale_path *name;
    uint32_t number;

    if (!bpf_map_lookup_elem(shim->maps[MAP_APPS], path, &number))
        return number;
    if (__atomic_load_n(&shim->state->next_app, __ATOMIC_RELAXED) >= ALE_APPS)
        return 0;
    number = __atomic_fetch_add(&shim->state->next_app, 1, __ATOMIC_RELAXED);
    name = app_name(shim, number);
    if (!name)
        return 0;
    *name = *path;
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
    return number && !policy_app_remember(&shim->apps, number) ? number : 0;
}

/* False: there is no such file now. */
static bool file_of(const struct shim *shim, uint32_t number, struct ale_file *file)
{
    const struct ale_path *name = app_name(shim, number);
    struct stat status;

    if (!name || stat(name->text, &status))
        return false;
    *file = (struct ale_file){
        .dev = (uint64_t)major(status.st_dev) << KERNEL_MINOR_BITS | minor(status.st_dev),
        .ino = status.st_ino,
    };
    return true;
}

/* The policy's programs as files, so that a process in another mount namespace is recognised. */
int apps_add_files(struct shim *shim)
{
    struct shim_apps *apps = &shim->apps;

    for (; apps->looked_up < apps->count; apps->looked_up++) {
        uint32_t number = apps->numbers[apps->looked_up];
        struct ale_file file;

        if (file_of(shim, number, &file) &&
            bpf_map_update_elem(shim->maps[MAP_APP_FILES], &file, &number, BPF_ANY))
            return -errno;
    }
    return 0;
}

/* Files that are no longer the program whose number they have. */
static int remove_strangers(struct shim *shim)
{
    struct ale_file file, next, present;
    bool more = !bpf_map_get_next_key(shim->maps[MAP_APP_FILES], NULL, &next);
    uint32_t number;

    while (more) {
        file = next;
        more = !bpf_map_get_next_key(shim->maps[MAP_APP_FILES], &file, &next);
        if (!bpf_map_lookup_elem(shim->maps[MAP_APP_FILES], &file, &number) &&
            file_of(shim, number, &present) && !memcmp(&file, &present, sizeof(file)))
            continue;
        if (bpf_map_delete_elem(shim->maps[MAP_APP_FILES], &file))
            return -errno;
    }
    return 0;
}

/* What stays is there all the time. */
int apps_refresh_files(struct shim *shim)
{
    shim->apps.looked_up = 0;
    int result = apps_add_files(shim);

    return result ? result : remove_strangers(shim);
}
