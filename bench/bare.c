/*
 * Puts bare.bpf.c on a cgroup, with 100,000 addresses that nothing measured goes to, and reads its
 * events until it is ended.
 *
 *   bare CGROUP     says "ready" when it filters
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bare.skel.h"

#define ENTRIES   100000
#define POLL_US   20000
#define ELSEWHERE 0xc6120000u /* 198.18.0.0 */

static int complain(const char *what)
{
    fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
    return 1;
}

static int fill(int map)
{
    static uint64_t keys[ENTRIES];
    static uint32_t values[ENTRIES];
    uint32_t count = ENTRIES;

    for (uint32_t i = 0; i < ENTRIES; i++)
        keys[i] = (uint64_t)(ELSEWHERE + i) << 32 | 443;
    return bpf_map_update_batch(map, keys, values, &count, NULL);
}

static int ignore(void *context, void *event, size_t size)
{
    return 0;
}

int main(int argc, char **argv)
{
    int cgroup = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    struct bare_bpf *bare = bare_bpf__open_and_load();

    if (!bare || cgroup < 0 || fill(bpf_map__fd(bare->maps.blocked)) ||
        !bpf_program__attach_cgroup(bare->progs.bare_connect4, cgroup))
        return complain("cannot filter with BPF here");
    struct ring_buffer *ring = ring_buffer__new(bpf_map__fd(bare->maps.events), ignore, NULL, NULL);
    if (!ring)
        return complain("cannot read events");
    puts("ready");
    fflush(stdout);
    while (ring_buffer__consume(ring) >= 0)
        usleep(POLL_US);
    return 0;
}
