/* Opening, adopting, closing and removing a shim. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_round(size_t size)
{
    size_t page = sysconf(_SC_PAGESIZE);

    return (size + page - 1) & ~(page - 1);
}

static int resolve_cgroup(struct shim *shim, struct shim_error *error)
{
    char root[PATH_MAX];
    int result = cgroup2_root(root);

    if (result)
        return shim_fail(error, result,
                         "cgroup v2 is not mounted: mount it with "
                         "`mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified`");
    const char *wanted = shim->options.cgroup ? shim->options.cgroup : root;
    if (!realpath(wanted, shim->cgroup))
        return shim_fail(error, -errno, "the cgroup %s: %s", wanted, strerror(errno));
    if (cgroup_level(root, shim->cgroup) < 0)
        return shim_fail(error, -EINVAL, "%s is not a directory of cgroup v2, which is at %s",
                         wanted, root);
    shim->cgroup_fd = open(shim->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shim->cgroup_fd < 0)
        return shim_fail(error, -errno, "can't open the cgroup %s: %s", shim->cgroup,
                         strerror(errno));
    return 0;
}

static int resolve_netns(struct shim *shim, struct shim_error *error)
{
    if (!shim->options.netns)
        return 0;
    CLEANUP_FD int fd = netns_find(shim->options.netns);
    int result = fd < 0 ? fd : netns_cookie_of(fd, &shim->scope_cookie);

    if (result)
        return shim_fail(error, result, "no process lives in network namespace %llu",
                         (unsigned long long)shim->options.netns);
    return 0;
}

static int map_memory(struct shim *shim, struct shim_error *error)
{
    int protection = PROT_READ | PROT_WRITE;

    shim->state = mmap(NULL, page_round(sizeof(*shim->state)), protection, MAP_SHARED,
                       shim->maps[MAP_STATE], 0);
    shim->log = mmap(NULL, page_round(sizeof(*shim->log)), protection, MAP_SHARED,
                     shim->maps[MAP_EVENT_LOG], 0);
    if (shim->state == MAP_FAILED || shim->log == MAP_FAILED || app_names_open(shim))
        return shim_fail(error, -errno, "can't map the shim's state: %s", strerror(errno));
    return policy_open(shim, error);
}

static int adopt_maps(struct shim *shim, struct shim_error *error)
{
    char path[PATH_MAX];

    for (int i = 0; i < MAP_PINNED_COUNT; i++) {
        pins_path(shim, shim_map_names[i], path);
        shim->maps[i] = bpf_obj_get(path);
        if (shim->maps[i] < 0)
            return shim_fail(error, -errno, "can't open the pinned map %s: %s", path,
                             strerror(errno));
    }
    return 0;
}

/* Whether the pins are of the scope asked for. */
static int check_adopted(const struct shim *shim, struct shim_error *error)
{
    const struct ale_state *state = shim->state;

    if (state->scope != shim->options.scope || state->scope_cookie != shim->scope_cookie ||
        state->scope_cgroup != cgroup_id(shim->cgroup_fd))
        return shim_fail(error, -EEXIST,
                         "the pins in %s have another scope: remove them first, or "
                         "use another pin directory",
                         shim->pin_dir);
    return 0;
}

static int pin_map(struct shim *shim, enum shim_map map, struct shim_error *error)
{
    char path[PATH_MAX];

    pins_path(shim, shim_map_names[map], path);
    if (bpf_obj_pin(shim->maps[map], path))
        return shim_fail(error, -errno, "can't pin %s: %s", path, strerror(errno));
    return 0;
}

/* The state goes last: a directory without it is a set that was never finished. */
static int pin_maps(struct shim *shim, struct shim_error *error)
{
    int result = 0;

    for (int i = 0; !result && i < MAP_PINNED_COUNT; i++)
        if (i != MAP_STATE)
            result = pin_map(shim, i, error);
    return result ? result : pin_map(shim, MAP_STATE, error);
}

static void describe_state(struct shim *shim)
{
    shim->state->abi = ALE_ABI;
    shim->state->next_app = 1;
    shim->state->scope = shim->options.scope;
    shim->state->scope_cookie = shim->scope_cookie;
    shim->state->scope_cgroup = cgroup_id(shim->cgroup_fd);
}

static int open_fresh(struct shim *shim, struct shim_error *error)
{
    int result = pins_remove(shim->pin_dir, error); /* of a start that was interrupted */

    if (!result)
        result = pins_prepare(shim, error);
    if (!result)
        result = code_build(shim, error);
    if (!result)
        result = code_provide(shim, 0, error);
    if (!result)
        result = map_memory(shim, error);
    if (result)
        return result;
    describe_state(shim);
    groups_begin(shim);
    return pin_maps(shim, error);
}

static int open_successor(struct shim *shim, struct shim_error *error)
{
    int result = succession_begin(shim, error);

    if (!result)
        result = open_fresh(shim, error);
    return result ? result : succession_end_held(shim, error);
}

static int open_adopted(struct shim *shim, struct shim_error *error)
{
    int result = adopt_maps(shim, error);

    if (!result)
        result = map_memory(shim, error);
    if (!result)
        result = check_adopted(shim, error);
    if (!result)
        result = code_build(shim, error);
    if (!result)
        result = code_recall(shim, error);
    if (!result)
        result = hooks_open(shim, error);
    if (!result)
        result = code_provide(shim, hooks_attached(shim), error);
    if (!result)
        result = hooks_replace(shim, error);
    if (!result)
        result = netns_replace(shim, error);
    if (!result)
        policy_adopt(shim);
    shim->lookup_attached = true;
    shim->adopted = true;
    return result;
}

static int open_pins(struct shim *shim, struct shim_error *error)
{
    int result = succession_clear(shim->pin_dir, error);

    if (result)
        return result;
    if (!shim_pinned(shim->pin_dir))
        return open_fresh(shim, error);
    return shim->options.afresh || succession_due(shim) ? open_successor(shim, error)
                                                        : open_adopted(shim, error);
}

static struct shim *shim_new(const struct shim_options *options)
{
    struct shim *shim = calloc(1, sizeof(*shim));

    if (!shim)
        return NULL;
    shim->options = *options;
    pthread_mutex_init(&shim->code_lock, NULL);
    pthread_mutex_init(&shim->answer_lock, NULL);
    shim->cgroup_fd = -1;
    shim->state = MAP_FAILED;
    shim->log = MAP_FAILED;
    for (int i = 0; i < MAP_COUNT; i++)
        shim->maps[i] = -1;
    strncpy(shim->pin_dir, options->pin_dir ? options->pin_dir : SHIM_PIN_DIR,
            sizeof(shim->pin_dir) - 1);
    return shim;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    return 0;
}

int shim_open(const struct shim_options *options, struct shim **out, struct shim_error *error)
{
    struct shim *shim = shim_new(options);
    int result;

    *out = NULL;
    if (error)
        memset(error, 0, sizeof(*error));
    if (!shim)
        return shim_fail(error, -ENOMEM, "out of memory");
    libbpf_set_print(quiet);
    result = resolve_cgroup(shim, error);
    if (!result)
        result = resolve_netns(shim, error);
    if (!result)
        result = bpffs_ensure(shim->pin_dir, error);
    if (!result)
        result = open_pins(shim, error);
    if (!result) {
        shim->state->host_mounts = namespace_inum("/proc/self/ns/mnt");
        *out = shim;
        return 0;
    }
    shim_close(shim);
    return result;
}

bool shim_adopted(const struct shim *shim)
{
    return shim->adopted;
}

struct shim_standing shim_standing(const struct shim *shim)
{
    return (struct shim_standing){.origin = shim->state->origin, .image = shim->state->image};
}

void shim_set_standing(struct shim *shim, struct shim_standing standing)
{
    shim->state->image = standing.image;
    shim->state->origin = standing.origin;
}

int shim_standing_of(const char *pin_dir, struct shim_standing *standing)
{
    struct bpf_map_info info = {0};
    uint32_t length = sizeof(info), zero = 0;
    struct ale_state state;
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", pin_dir, shim_map_names[MAP_STATE]);
    CLEANUP_FD int fd = bpf_obj_get(path);
    if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
        return -errno;
    if (info.value_size != sizeof(state) || bpf_map_lookup_elem(fd, &zero, &state) ||
        state.abi != ALE_ABI)
        return -EPROTO;
    *standing = (struct shim_standing){.origin = state.origin, .image = state.image};
    return 0;
}

bool shim_succeeding(const struct shim *shim)
{
    return shim->succeeding;
}

void shim_close(struct shim *shim)
{
    if (!shim)
        return;
    reauthorizer_free(shim->reauthorizer);
    ring_buffer__free(shim->ring);
    for (int i = 0; i < PROGRAM_LINK_COUNT; i++)
        bpf_link__destroy(shim->links[i]); /* the pin holds it */
    code_free(&shim->code);
    policy_arena_close(&shim->arena);
    if (shim->state != MAP_FAILED)
        munmap(shim->state, page_round(sizeof(*shim->state)));
    app_names_close(shim);
    if (shim->log != MAP_FAILED)
        munmap(shim->log, page_round(sizeof(*shim->log)));
    for (int i = 0; i < MAP_COUNT; i++)
        close_fd(&shim->maps[i]);
    close_fd(&shim->cgroup_fd);
    groups_free(shim);
    free(shim->apps.numbers);
    free(shim);
}

int shim_remove(const char *pin_dir, struct shim_error *error)
{
    if (error)
        memset(error, 0, sizeof(*error));
    if (!pin_dir)
        pin_dir = SHIM_PIN_DIR;
    int result = succession_clear(pin_dir, error);
    return result ? result : pins_remove(pin_dir, error);
}
