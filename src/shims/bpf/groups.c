/*
 * The groups that the policy names, and their bits. A policy's bits stand on the side of its
 * generation's parity, so that the policy in force keeps its own until the swap.
 */
#include "shims/bpf/internal.h"
#include "classify/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int groups_clear(struct shim *shim, uint32_t side)
{
    uint32_t gid, *previous = NULL;
    struct ale_group group;

    while (!bpf_map_get_next_key(shim->maps[MAP_GROUP_BITS], previous, &gid)) {
        previous = &gid;
        if (bpf_map_lookup_elem(shim->maps[MAP_GROUP_BITS], &gid, &group))
            continue;
        group.bits[side] = 0;
        if (bpf_map_update_elem(shim->maps[MAP_GROUP_BITS], &gid, &group, BPF_ANY))
            return -errno;
    }
    return 0;
}

static int groups_set(struct shim *shim, const struct classify_image *image, uint32_t side)
{
    for (uint32_t i = 0; i < image->group_count; i++) {
        struct ale_group group = {0};
        uint32_t gid = image->groups[i].gid;

        bpf_map_lookup_elem(shim->maps[MAP_GROUP_BITS], &gid, &group);
        group.bits[side] = image->groups[i].bits;
        if (bpf_map_update_elem(shim->maps[MAP_GROUP_BITS], &gid, &group, BPF_ANY))
            return -errno;
    }
    return 0;
}

/* Most policies name no groups, or the same as those before. */
static bool groups_there(const struct shim_groups *there, const struct classify_image *image)
{
    if (!there->known || there->count != image->group_count)
        return false;
    for (uint32_t i = 0; i < there->count; i++)
        if (there->groups[i].gid != image->groups[i].gid ||
            there->groups[i].bits != image->groups[i].bits)
            return false;
    return true;
}

int groups_write(struct shim *shim, const struct classify_image *image, uint64_t generation)
{
    uint32_t side = generation & 1;
    struct shim_groups *there = &shim->groups[side];
    struct classify_group *copy;
    int result;

    if (groups_there(there, image))
        return 0;
    copy = calloc(image->group_count + 1, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    there->known = false;
    result = groups_clear(shim, side);
    if (!result)
        result = groups_set(shim, image, side);
    if (image->group_count)
        memcpy(copy, image->groups, image->group_count * sizeof(*copy));
    free(there->groups);
    *there = (struct shim_groups){.known = !result, .count = image->group_count, .groups = copy};
    return result;
}

/* Of pins that are new nothing need be asked. */
void groups_begin(struct shim *shim)
{
    for (int side = 0; side < 2; side++)
        shim->groups[side].known = true;
}

void groups_free(struct shim *shim)
{
    for (int side = 0; side < 2; side++)
        free(shim->groups[side].groups);
}
