/* Where an earlier process held operations: its pins name the network namespaces, by their cookies.
 */
#include "shims/bpf/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool forget_pin(const char *pin_dir, enum shim_program program, uint64_t cookie)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/match_%s_%llu", pin_dir, shim_program_names[program],
                    (unsigned long long)cookie) < PATH_MAX &&
           !unlink(path);
}

/* Whether it was one of them; asked again, it isn't. */
static bool take(const char *pin_dir, int networks, uint64_t cookie)
{
    bool queued = networks >= 0 && !bpf_map_delete_elem(networks, &cookie);
    bool inbound = forget_pin(pin_dir, PROGRAM_HELD_IN, cookie);

    return forget_pin(pin_dir, PROGRAM_DENIED_IN, cookie) || queued || inbound;
}

static bool has_entries(const char *pin_dir, enum shim_map map)
{
    struct ale_held_key key; /* the longer one */
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", pin_dir, shim_map_names[map]) >= PATH_MAX)
        return false;
    CLEANUP_FD int fd = bpf_obj_get(path);
    return fd >= 0 && !bpf_map_get_next_key(fd, NULL, &key);
}

/* Names as pin_inbound() makes them. */
static bool has_inbound_pins(const char *pin_dir)
{
    const char *name = shim_program_names[PROGRAM_HELD_IN];
    DIR *pins = opendir(pin_dir);
    struct dirent *entry;
    bool found = false;

    while (pins && !found && (entry = readdir(pins)))
        found =
            !strncmp(entry->d_name, "match_", 6) && !strncmp(entry->d_name + 6, name, strlen(name));
    if (pins)
        closedir(pins);
    return found;
}

bool shim_held_left(const char *pin_dir)
{
    return has_entries(pin_dir, MAP_HELD) || has_entries(pin_dir, MAP_HELD_NETWORKS) ||
           has_inbound_pins(pin_dir);
}

void shim_networks_left(const char *pin_dir, int (*fn)(void *ctx), void *ctx)
{
    char path[PATH_MAX];
    struct dirent *entry;
    uint64_t cookie;

    if (!pin_dir)
        pin_dir = SHIM_PIN_DIR;
    if (snprintf(path, sizeof(path), "%s/%s", pin_dir, shim_map_names[MAP_HELD_NETWORKS]) >=
        PATH_MAX)
        return;
    CLEANUP_FD int networks = bpf_obj_get(path);
    DIR *processes = networks < 0 ? NULL : opendir("/proc");
    while (processes && (entry = readdir(processes))) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
            snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name) >= PATH_MAX)
            continue;
        CLEANUP_FD int netns = open(path, O_RDONLY | O_CLOEXEC);
        if (netns >= 0 && !netns_cookie_of(netns, &cookie) && take(pin_dir, networks, cookie))
            netns_run(netns, fn, ctx);
    }
    if (processes)
        closedir(processes);
}
