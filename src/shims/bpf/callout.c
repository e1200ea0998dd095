/* Loading callouts: new programs with the callout inside go behind the links, or nothing does. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_object(const char *path, struct ale_callout_object *object,
                       struct shim_error *error)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status))
        return shim_fail(error, -errno, "can't read the callout %s: %s", path, strerror(errno));
    if (status.st_size <= 0 || status.st_size > ALE_CALLOUT_BYTES)
        return shim_fail(error, -EFBIG, "the callout %s has %lld bytes; 1 to %u are possible", path,
                         (long long)status.st_size, ALE_CALLOUT_BYTES);
    if (read(fd, object->bytes, status.st_size) != status.st_size)
        return shim_fail(error, -EIO, "can't read the callout %s to its end", path);
    object->size = status.st_size;
    return 0;
}

/* One program of each kind, those that stack deepest: a callout that they take, all take. */
#define EACH_KIND                                                                                  \
    (1ull << PROGRAM_SENDMSG4 | 1ull << PROGRAM_POST_BIND4 | 1ull << PROGRAM_INGRESS |             \
     1ull << PROGRAM_SOCKOPS)

/* A callout is refused when it is loaded, not when a policy needs the program it breaks. */
static int check_code(struct shim *shim, struct shim_error *error)
{
    int result = code_provide(shim, EACH_KIND, error);
    struct bpf_object *lookup = result ? NULL : object_load(shim, 1ull << PROGRAM_LOOKUP, 0, error);

    bpf_object__close(lookup);
    return result || lookup ? result : error && error->code ? error->code : -EINVAL;
}

/* Puts the present code's programs behind all links. */
static int run_code(struct shim *shim, struct shim_error *error)
{
    int result = code_provide(shim, hooks_attached(shim), error);

    if (!result)
        result = hooks_replace(shim, error);
    if (!result)
        result = netns_replace(shim, error);
    if (!result && shim->asks)
        result = asks_replace(shim, error);
    return result;
}

/* Runs another image's programs; on failure the present one's go on. */
static int swap_code(struct shim *shim, void *image, size_t size, struct shim_error *error)
{
    struct shim_code old = shim->code, fresh;
    int result;

    pthread_mutex_lock(&shim->code_lock);
    shim->code = code_of_image(shim, image, size);
    result = check_code(shim, error);
    if (!result)
        result = run_code(shim, error);
    fresh = shim->code;
    if (result) {
        shim->code = old;
        run_code(shim, NULL);
    }
    code_forget_others(shim);
    pthread_mutex_unlock(&shim->code_lock);
    code_free(result ? &fresh : &old);
    return result;
}

/* Replaces what a slot holds; an object of size 0 empties it. */
static int slot_set(struct shim *shim, uint32_t slot, const struct ale_callout_object *object,
                    struct shim_error *error)
{
    void *image = NULL;
    size_t size;
    int result;

    if (slot >= CLASSIFY_CALLOUTS)
        return shim_fail(error, -EINVAL, "there is no callout slot %u; 0 to %d exist", slot,
                         CLASSIFY_CALLOUTS - 1);
    result = object_build(shim, slot, object->size ? object->bytes : NULL, object->size, &image,
                          &size, error);
    if (!result)
        result = swap_code(shim, image, size, error);
    if (result)
        return result;
    if (bpf_map_update_elem(shim->maps[MAP_CALLOUTS], &slot, object, BPF_ANY))
        return shim_fail(error, -errno, "the callout runs but can't be kept: %s", strerror(errno));
    return 0;
}

int shim_callout_load(struct shim *shim, unsigned slot, const char *object_path,
                      struct shim_error *error)
{
    struct ale_callout_object *object = calloc(1, sizeof(*object));
    int result = object ? read_object(object_path, object, error)
                        : shim_fail(error, -ENOMEM, "out of memory");

    if (!result)
        result = slot_set(shim, slot, object, error);
    free(object);
    return result;
}

static int keep_object(struct shim *shim, const struct shim_callout *callout,
                       struct ale_callout_object *object, struct shim_error *error)
{
    uint32_t slot = callout->slot;

    if (slot >= CLASSIFY_CALLOUTS || !callout->size || callout->size > ALE_CALLOUT_BYTES)
        return shim_fail(error, -EINVAL, "no slot %u holds a callout of %zu bytes", slot,
                         callout->size);
    object->size = (uint32_t)callout->size;
    memcpy(object->bytes, callout->bytes, callout->size);
    if (bpf_map_update_elem(shim->maps[MAP_CALLOUTS], &slot, object, BPF_ANY))
        return shim_fail(error, -errno, "can't keep a callout: %s", strerror(errno));
    return 0;
}

int shim_callouts_install(struct shim *shim, const struct shim_callout *callouts, size_t count,
                          struct shim_error *error)
{
    struct ale_callout_object *object = calloc(1, sizeof(*object));
    int result = object ? 0 : shim_fail(error, -ENOMEM, "out of memory");

    for (size_t i = 0; !result && i < count; i++)
        result = keep_object(shim, &callouts[i], object, error);
    free(object);
    if (result || !count)
        return result;
    code_free(&shim->code);
    shim->code = (struct shim_code){0};
    return code_build(shim, error);
}

int shim_callout_unload(struct shim *shim, unsigned slot, struct shim_error *error)
{
    struct ale_callout_object *object = calloc(1, sizeof(*object));
    int result =
        object ? slot_set(shim, slot, object, error) : shim_fail(error, -ENOMEM, "out of memory");

    free(object);
    return result;
}

/* What the slot holds, to be freed; NULL: nothing. */
static struct ale_callout_object *slot_get(const struct shim *shim, uint32_t slot)
{
    struct ale_callout_object *object = malloc(sizeof(*object));

    if (object && slot < CLASSIFY_CALLOUTS &&
        !bpf_map_lookup_elem(shim->maps[MAP_CALLOUTS], &slot, object) && object->size)
        return object;
    free(object);
    return NULL;
}

bool shim_callout_loaded(const struct shim *shim, unsigned slot)
{
    struct ale_callout_object *object = slot_get(shim, slot);

    free(object);
    return object != NULL;
}

bool shim_callout_is(const struct shim *shim, unsigned slot, const void *bytes, size_t size)
{
    struct ale_callout_object *object = slot_get(shim, slot);
    bool same = object && object->size == size && !memcmp(object->bytes, bytes, size);

    free(object);
    return same;
}
