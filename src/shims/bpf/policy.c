/*
 * Committing a policy: hooks first, then the policy, then the hooks nobody needs any more go. A
 * whole image has a place of its own in the arena, or is a map of its own, and is put in force by
 * one swap. A change in place is one store.
 */
#include "shims/bpf/internal.h"
#include "classify/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what is in force ---- */

static int read_block(int fd, uint32_t unit, struct classify_block *block)
{
    uint32_t number = unit / CLASSIFY_BLOCK_UNITS;

    return bpf_map_lookup_elem(fd, &number, block) ? -errno : 0;
}

static const void *within(const struct classify_block *block, uint32_t unit)
{
    return block->bytes + unit % CLASSIFY_BLOCK_UNITS * CLASSIFY_UNIT;
}

static int read_version(int fd, struct classify_block *block, struct classify_version *version)
{
    int result = read_block(fd, 0, block);
    uint32_t root = ((const struct classify_header *)block->bytes)->root;

    if (!result)
        result = read_block(fd, root, block);
    if (!result)
        memcpy(version, within(block, root), sizeof(*version));
    return result;
}

static int read_map(const struct shim *shim, struct policy_layers *policy)
{
    struct classify_block *block = malloc(sizeof(*block));
    uint32_t slot = 0, id;
    int result = block ? 0 : -ENOMEM;

    if (!result && bpf_map_lookup_elem(shim->maps[MAP_POLICY], &slot, &id))
        result = -errno;
    CLEANUP_FD int fd = result ? -1 : bpf_map_get_fd_by_id(id);
    if (!result)
        result = fd < 0 ? -errno : read_version(fd, block, &policy->version);
    for (uint32_t i = 0; !result && i < CLASSIFY_LAYERS; i++) {
        uint32_t unit = policy->version.layer[i];

        policy->layers[i] = (struct classify_layer){0};
        if (unit && !(result = read_block(fd, unit, block)))
            memcpy(&policy->layers[i], within(block, unit), sizeof(policy->layers[i]));
    }
    free(block);
    return result;
}

static int read_arena(const struct shim *shim, struct policy_layers *policy)
{
    const uint8_t *bytes = policy_arena_in_force(&shim->arena);

    if (!bytes)
        return -ENOENT;
    uint32_t root = ((const struct classify_header *)(const void *)bytes)->root;
    memcpy(&policy->version, bytes + (size_t)root * CLASSIFY_UNIT, sizeof(policy->version));
    for (uint32_t i = 0; i < CLASSIFY_LAYERS; i++) {
        uint32_t unit = policy->version.layer[i];

        policy->layers[i] = (struct classify_layer){0};
        if (unit)
            memcpy(&policy->layers[i], bytes + (size_t)unit * CLASSIFY_UNIT,
                   sizeof(policy->layers[i]));
    }
    return 0;
}

/* The version in force and its layers: -ENOENT before the first commit. */
int policy_read(const struct shim *shim, struct policy_layers *policy)
{
    return shim->arena.bytes ? read_arena(shim, policy) : read_map(shim, policy);
}

static void layers_of_image(const struct classify_image *image, struct policy_layers *policy)
{
    policy->version = *classify_image_version(image);
    for (uint16_t i = 0; i < CLASSIFY_LAYERS; i++) {
        const struct classify_layer *layer = classify_image_layer(image, i);

        policy->layers[i] = layer ? *layer : (struct classify_layer){0};
    }
}

void policy_adopt(struct shim *shim)
{
    struct policy_layers *policy = malloc(sizeof(*policy));

    if (policy && !policy_read(shim, policy)) {
        shim->policy_needs = hooks_needs_of_policy(policy, shim->asks != NULL);
        shim->generation = policy->version.generation;
    }
    free(policy);
}

int policy_reconsider(struct shim *shim, struct shim_error *error)
{
    policy_adopt(shim);
    int result = hooks_attach(shim, hooks_needs(shim), false, error);
    hooks_trim(shim);
    return result;
}

/* ---- what has to be there before the policy is ---- */

static int prepare(struct shim *shim, const struct classify_image *image, bool whole,
                   struct shim_error *error)
{
    struct policy_layers *policy = malloc(sizeof(*policy));
    int result;

    if (!policy)
        return shim_fail(error, -ENOMEM, "out of memory");
    layers_of_image(image, policy);
    shim->policy_needs = hooks_needs_of_policy(policy, shim->asks != NULL);
    result = hooks_attach(shim, hooks_needs(shim), whole, error);
    if (!result && ((result = whole ? apps_refresh_files(shim) : apps_add_files(shim)) ||
                    (result = groups_write(shim, image, policy->version.generation))))
        shim_fail(error, result, "can't write the policy's tables: %s", strerror(-result));
    free(policy);
    return result;
}

static int finish(struct shim *shim, const struct classify_image *image, int result,
                  struct shim_needs old_needs)
{
    if (result) {
        shim->policy_needs = old_needs;
    } else {
        shim->generation = classify_image_version(image)->generation;
        shim->state->loaded = 1;
    }
    hooks_trim(shim);
    return result;
}

/* ---- whole images ---- */

int policy_open(struct shim *shim, struct shim_error *error)
{
    int map = shim->maps[MAP_POLICY], result = 0;

    if (policy_arena_is(map))
        result = policy_arena_open(&shim->arena, map, &shim->answer_lock);
    return result ? shim_fail(error, result, "can't map the policy: %s", strerror(-result)) : 0;
}

static void unmap(void *mapping, size_t size)
{
    munmap(mapping, size);
}

/* A map with a copy of the image, which lives there from now on. */
static int policy_map(struct classify_image *image)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy", sizeof(uint32_t), CLASSIFY_BLOCK,
                            (uint32_t)(image->size / CLASSIFY_BLOCK), &options);
    void *mapping;

    if (fd < 0)
        return -errno;
    mapping = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED) {
        int code = -errno;

        close(fd);
        return code;
    }
    memcpy(mapping, image->memory, image->used);
    classify_image_adopt(image, mapping, unmap);
    return fd;
}

static int place_in_arena(struct shim *shim, struct classify_image *image)
{
    struct policy_arena *arena = &shim->arena;
    int result = 0;

    if (policy_arena_is_used(arena)) {
        result = code_provide(shim, 1ull << PROGRAM_FORGET, NULL);
        if (!result)
            result = policy_arena_set_forget(arena, shim->code.programs[PROGRAM_FORGET]);
    }
    return result ? result : policy_arena_place(arena, image);
}

/* The kernel's copy; a descriptor where it is a map, else 0. */
static int place(struct shim *shim, struct classify_image *image, struct shim_error *error)
{
    size_t size = image->size;
    int result = shim->arena.bytes ? place_in_arena(shim, image) : policy_map(image);

    return result < 0 ? shim_fail(error, result,
                                  "can't make the kernel's copy of the policy (%zu bytes): %s",
                                  size, strerror(-result))
                      : result;
}

/* The kernel waits here for programs that still run on the old map, some milliseconds. */
static int swap_maps(struct shim *shim, int fd, struct shim_error *error)
{
    uint32_t slot = 0;

    return bpf_map_update_elem(shim->maps[MAP_POLICY], &slot, &fd, BPF_ANY)
               ? shim_fail(error, -errno, "can't swap the policy: %s", strerror(errno))
               : 0;
}

static int enforce(struct shim *shim, const struct classify_image *image, int fd,
                   struct shim_error *error)
{
    if (!shim->arena.bytes)
        return swap_maps(shim, fd, error);
    policy_arena_enforce(&shim->arena, image);
    return 0;
}

int shim_commit(struct shim *shim, struct classify_image *image, struct shim_error *error)
{
    struct shim_needs old_needs = shim->policy_needs;
    int result;

    /* Generation 0 is nobody's: connected datagram sockets use it for "not authorized". */
    classify_image_version(image)->generation = shim->generation + 1;
    int fd = place(shim, image, error);
    if (fd < 0)
        return fd;
    result = prepare(shim, image, true, error);
    if (!result && shim->succeeding)
        succession_inherit(shim);
    if (!result)
        result = enforce(shim, image, fd, error);
    if (fd)
        close(fd);
    if (!result && shim->succeeding)
        result = succession_complete(shim, error);
    return finish(shim, image, result, old_needs);
}

/* ---- changes in place ---- */

int shim_change(struct shim *shim, struct classify_image *image, struct shim_error *error)
{
    struct shim_needs old_needs = shim->policy_needs;
    int result = prepare(shim, image, false, error);

    if (result)
        classify_change_cancel(image);
    else
        classify_change_publish(image);
    return finish(shim, image, result, old_needs);
}
