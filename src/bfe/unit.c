#include "unit.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".service"
#define DIRECTORIES                                                                                \
    "/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system:"                       \
    "/usr/lib/systemd/system:/lib/systemd/system"

/* An element of a list with colons; NULL: there are no more. */
static const char *next_directory(const char *list, char directory[PATH_MAX])
{
    size_t length = strcspn(list, ":");

    if (!*list)
        return NULL;
    snprintf(directory, PATH_MAX, "%.*s", (int)length, list);
    return list + length + (list[length] == ':');
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);

    return length > wanted && !strcmp(text + length - wanted, end);
}

static bool is_masked(const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    target[length < 0 ? 0 : length] = '\0';
    return !strcmp(target, "/dev/null");
}

/* What the first directory says that has the unit at all. */
static bool mask_wins(const char *list, const char *unit)
{
    char directory[PATH_MAX], path[PATH_MAX + NAME_MAX];

    while ((list = next_directory(list, directory))) {
        snprintf(path, sizeof(path), "%s/%s", directory, unit);
        if (is_masked(path))
            return true;
        if (!access(path, F_OK))
            return false;
    }
    return false;
}

static bool is_wanted_in(const char *directory, const char *unit)
{
    char path[PATH_MAX + 2 * NAME_MAX];
    struct dirent *entry;
    DIR *open = opendir(directory);
    bool wanted = false;

    while (open && !wanted && (entry = readdir(open))) {
        if (!ends_with(entry->d_name, ".wants") && !ends_with(entry->d_name, ".requires") &&
            !ends_with(entry->d_name, ".upholds"))
            continue;
        snprintf(path, sizeof(path), "%s/%s/%s", directory, entry->d_name, unit);
        wanted = !is_masked(path) && !access(path, F_OK);
    }
    if (open)
        closedir(open);
    return wanted;
}

static bool is_enabled(const char *list, const char *unit)
{
    char directory[PATH_MAX];

    if (mask_wins(list, unit))
        return false;
    while ((list = next_directory(list, directory)))
        if (is_wanted_in(directory, unit))
            return true;
    return false;
}

bool unit_starts(const char *name)
{
    const char *list = getenv("SYSTEMD_UNIT_PATH");
    char unit[NAME_MAX + 1];

    if (!list && access("/run/systemd/system", F_OK))
        return true;
    if (!*name || strchr(name, '/') ||
        snprintf(unit, sizeof(unit), "%s%s", name, ends_with(name, SUFFIX) ? "" : SUFFIX) >=
            (int)sizeof(unit))
        return false;
    return is_enabled(list && *list ? list : DIRECTORIES, unit);
}
