/* The pin directory: maps and links by name, all flat in one directory. */
#include "shims/bpf/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int pins_path(const struct shim *shim, const char *name, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", shim->pin_dir, name);

    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool shim_pinned(const char *pin_dir)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", pin_dir ? pin_dir : SHIM_PIN_DIR,
                          shim_map_names[MAP_STATE]);

    return length < PATH_MAX && !access(path, F_OK);
}

int pins_prepare(struct shim *shim, struct shim_error *error)
{
    int result = bpffs_ensure(shim->pin_dir, error);

    if (result)
        return result;
    if (mkdir(shim->pin_dir, 0700) && errno != EEXIST)
        return shim_fail(error, -errno, "can't make the pin directory %s: %s", shim->pin_dir,
                         strerror(errno));
    return 0;
}

/* Calls fn for each pin whose name has the prefix. */
int pins_each(const struct shim *shim, const char *prefix,
              int (*fn)(struct shim *shim, const char *name, struct shim_error *error),
              struct shim_error *error)
{
    DIR *directory = opendir(shim->pin_dir);
    struct dirent *entry;
    int result = 0;

    if (!directory)
        return shim_fail(error, -errno, "can't read the pin directory %s: %s", shim->pin_dir,
                         strerror(errno));
    while (!result && (entry = readdir(directory)))
        if (!strncmp(entry->d_name, prefix, strlen(prefix)))
            result = fn((struct shim *)shim, entry->d_name, error);
    closedir(directory);
    return result;
}

/* Links go first: a program must not run while its maps are being taken away one by one. */
static int remove_pins(const char *pin_dir, bool links)
{
    char path[PATH_MAX];
    DIR *directory = opendir(pin_dir);
    struct dirent *entry;
    int result = 0;

    if (!directory)
        return -errno;
    while ((entry = readdir(directory))) {
        bool is_link = !strncmp(entry->d_name, "ale_", 4);

        if (entry->d_name[0] == '.' || is_link != links)
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", pin_dir, entry->d_name) >= PATH_MAX ||
            unlink(path))
            result = -errno;
    }
    closedir(directory);
    return result;
}

int pins_remove(const char *pin_dir, struct shim_error *error)
{
    int result = remove_pins(pin_dir, true);

    if (result == -ENOENT)
        return 0;
    if (!result)
        result = remove_pins(pin_dir, false);
    if (!result && rmdir(pin_dir))
        result = -errno;
    if (result)
        return shim_fail(error, result, "can't remove the pins in %s: %s", pin_dir,
                         strerror(-result));
    return 0;
}
