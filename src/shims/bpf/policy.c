/* Committing a policy: hooks first, then one swap, then the hooks nobody needs any more go. */
#include "shims/bpf/internal.h"
#include "classify/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH            512u
#define DIRECTORY_BLOCKS (CLASSIFY_DIRECTORY / CLASSIFY_BLOCK)

/* The directory of the policy in force: -ENOENT before the first commit. */
int policy_read_directory(const struct shim *shim, struct classify_element *directory)
{
    uint32_t slot = 0, id;

    if (bpf_map_lookup_elem(shim->maps[MAP_POLICY], &slot, &id))
        return -errno;
    CLEANUP_FD int fd = bpf_map_get_fd_by_id(id);
    for (uint32_t i = 0; i < DIRECTORY_BLOCKS; i++)
        if (fd < 0 || bpf_map_lookup_elem(fd, &i, &directory[i * CLASSIFY_BLOCK]))
            return -errno;
    return 0;
}

static uint64_t current_generation(const struct shim *shim)
{
    struct classify_element directory[CLASSIFY_DIRECTORY];

    return policy_read_directory(shim, directory) ? 0
                                                  : directory[CLASSIFY_HEADER].header.generation;
}

static int write_blocks(int fd, const struct classify_element *elements, uint32_t count)
{
    uint32_t *keys = malloc(BATCH * sizeof(*keys));
    int result = keys ? 0 : -ENOMEM;

    for (uint32_t done = 0; !result && done < count;) {
        uint32_t batch = count - done < BATCH ? count - done : BATCH;

        for (uint32_t i = 0; i < batch; i++)
            keys[i] = done + i;
        if (bpf_map_update_batch(fd, keys, elements + done * CLASSIFY_BLOCK, &batch, NULL) ||
            !batch)
            result = errno ? -errno : -EIO;
        done += batch;
    }
    free(keys);
    return result;
}

static int write_header(int fd, const struct classify_image *image, uint64_t generation)
{
    uint32_t index = CLASSIFY_HEADER / CLASSIFY_BLOCK;
    struct classify_block block;

    memcpy(&block, &image->elements[index * CLASSIFY_BLOCK], sizeof(block));
    block.elements[CLASSIFY_HEADER % CLASSIFY_BLOCK].header.generation = generation;
    return bpf_map_update_elem(fd, &index, &block, BPF_ANY) ? -errno : 0;
}

/* Generation 0 is nobody's: connected datagram sockets use it for "not authorized". */
static int policy_map(const struct classify_image *image, uint64_t generation)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
    int result,
        fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy", sizeof(uint32_t),
                            sizeof(struct classify_block), image->count / CLASSIFY_BLOCK, &options);

    if (fd < 0)
        return -errno;
    result = write_blocks(fd, image->elements, image->count / CLASSIFY_BLOCK);
    if (!result)
        result = write_header(fd, image, generation);
    if (!result)
        return fd;
    close(fd);
    return result;
}

/* Takes the bits of the generation before the last out; they are on the new one's side. */
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

static int groups_write(struct shim *shim, const struct classify_image *image, uint64_t generation)
{
    uint32_t side = generation & 1;
    int result = groups_clear(shim, side);

    for (uint32_t i = 0; !result && i < image->group_count; i++) {
        struct ale_group group = {0};
        uint32_t gid = image->groups[i].gid;

        bpf_map_lookup_elem(shim->maps[MAP_GROUP_BITS], &gid, &group);
        group.bits[side] = image->groups[i].bits;
        if (bpf_map_update_elem(shim->maps[MAP_GROUP_BITS], &gid, &group, BPF_ANY))
            result = -errno;
    }
    return result;
}

int shim_commit(struct shim *shim, const struct classify_image *image, struct shim_error *error)
{
    struct shim_needs old_needs = shim->policy_needs;
    uint64_t generation = current_generation(shim) + 1;
    CLEANUP_FD int fd = policy_map(image, generation);
    uint32_t slot = 0;
    int result;

    if (fd < 0)
        return shim_fail(error, fd, "can't make the kernel's copy of the policy (%u elements): %s",
                         image->count, strerror(-fd));
    shim->policy_needs = hooks_needs_of_policy(image->elements);
    result = hooks_attach(shim, hooks_needs(shim), error);
    if (!result &&
        ((result = apps_refresh_files(shim)) || (result = groups_write(shim, image, generation))))
        shim_fail(error, result, "can't write the policy's tables: %s", strerror(-result));
    if (!result && bpf_map_update_elem(shim->maps[MAP_POLICY], &slot, &fd, BPF_ANY))
        result = shim_fail(error, -errno, "can't swap the policy: %s", strerror(errno));
    if (result)
        shim->policy_needs = old_needs;
    else
        shim->state->loaded = 1;
    hooks_trim(shim);
    return result;
}
