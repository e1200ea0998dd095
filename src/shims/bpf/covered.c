/* Where covered processes live: the network namespaces of all in the cgroup and below it. */
#include "shims/bpf/ask.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shims/bpf/internal.h"

struct search {
    const struct shim *shim;
    void (*fn)(void *ctx, uint32_t pid, uint32_t inum);
    void *ctx;
    uint32_t *seen;
    size_t count, room;
};

static bool is_seen(const struct search *search, uint32_t inum)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->seen[i] == inum)
            return true;
    return false;
}

static bool remember(struct search *search, uint32_t inum)
{
    if (search->count == search->room) {
        size_t room = search->room ? 2 * search->room : 16;
        uint32_t *grown = realloc(search->seen, room * sizeof(*grown));

        if (!grown)
            return false;
        search->seen = grown;
        search->room = room;
    }
    search->seen[search->count++] = inum;
    return true;
}

static void look_at(struct search *search, uint32_t pid)
{
    uint64_t wanted = search->shim->options.netns;
    struct stat status;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
    if (stat(path, &status) || (wanted && status.st_ino != wanted) ||
        is_seen(search, (uint32_t)status.st_ino) || !remember(search, (uint32_t)status.st_ino))
        return;
    search->fn(search->ctx, pid, (uint32_t)status.st_ino);
}

static void look_at_processes(struct search *search, const char *cgroup)
{
    char path[PATH_MAX];
    unsigned pid;

    if (snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup) >= (int)sizeof(path))
        return;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fscanf(file, "%u", &pid) == 1)
        look_at(search, pid);
    fclose(file);
}

static void look_below(struct search *search, const char *cgroup)
{
    DIR *directory = opendir(cgroup);
    struct dirent *entry;
    char path[PATH_MAX];

    look_at_processes(search, cgroup);
    while (directory && (entry = readdir(directory)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            snprintf(path, sizeof(path), "%s/%s", cgroup, entry->d_name) < (int)sizeof(path))
            look_below(search, path);
    if (directory)
        closedir(directory);
}

void shim_asks_networks(struct shim_asks *asks, void (*fn)(void *ctx, uint32_t pid, uint32_t inum),
                        void *ctx)
{
    struct search search = {.shim = asks_shim(asks), .fn = fn, .ctx = ctx};

    look_below(&search, search.shim->cgroup);
    free(search.seen);
}
