/*
 * The programs as an object in memory: this build's, statically linked with the callouts that are
 * loaded. Callouts' object files are kept in a pinned map, so whoever adopts the pins links the
 * same set again.
 */
#include "shims/bpf/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ale.skel.h"
#include "ale_bounded.skel.h"

/* Whether a processor of this kind shows its writes to another one in another order. */
#if defined(__x86_64__) || defined(__i386__) || defined(__s390__)
#define STORES_PASS_STORES 0
#else
#define STORES_PASS_STORES 1
#endif

const char *const shim_program_names[PROGRAM_COUNT] = {
    [PROGRAM_SOCK_CREATE] = "ale_sock_create",
    [PROGRAM_BIND4] = "ale_bind4",
    [PROGRAM_BIND6] = "ale_bind6",
    [PROGRAM_POST_BIND4] = "ale_post_bind4",
    [PROGRAM_POST_BIND6] = "ale_post_bind6",
    [PROGRAM_CONNECT4] = "ale_connect4",
    [PROGRAM_CONNECT6] = "ale_connect6",
    [PROGRAM_SENDMSG4] = "ale_sendmsg4",
    [PROGRAM_SENDMSG6] = "ale_sendmsg6",
    [PROGRAM_SOCK_RELEASE] = "ale_sock_release",
    [PROGRAM_EGRESS] = "ale_egress",
    [PROGRAM_INGRESS] = "ale_ingress",
    [PROGRAM_SOCKOPS] = "ale_sockops",
    [PROGRAM_LSM_LISTEN] = "ale_lsm_listen",
    [PROGRAM_LSM_CREATE] = "ale_lsm_create",
    [PROGRAM_LSM_BIND] = "ale_lsm_bind",
    [PROGRAM_LOOKUP] = "ale_lookup",
    [PROGRAM_ADOPT] = "ale_adopt",
    [PROGRAM_HOLDERS] = "ale_holders",
    [PROGRAM_REAUTHORIZE] = "ale_reauthorize",
    [PROGRAM_REAUTHORIZE_UDP] = "ale_reauthorize_udp",
    [PROGRAM_ANSWER] = "ale_answer",
    [PROGRAM_HELD] = "ale_held",
    [PROGRAM_DENIED] = "ale_denied",
    [PROGRAM_HELD_IN] = "ale_held_in",
    [PROGRAM_DENIED_IN] = "ale_denied_in",
    [PROGRAM_FORGET] = "classify_forget",
};

const char *const shim_map_names[MAP_COUNT] = {
    [MAP_POLICY] = "policy",
    [MAP_STATE] = "state",
    [MAP_APPS] = "apps",
    [MAP_APP_NAMES] = "app_names",
    [MAP_APP_FILES] = "app_files",
    [MAP_SOCKETS] = "sockets",
    [MAP_FLOWS] = "flows",
    [MAP_ENDPOINTS] = "endpoints",
    [MAP_NAMESPACES] = "namespaces",
    [MAP_GROUP_BITS] = "group_bits",
    [MAP_EVENTS] = "events",
    [MAP_EVENT_LOG] = "event_log",
    [MAP_CALLOUTS] = "callout_objects",
    [MAP_HELD] = "held",
    [MAP_HELD_APPS] = "held_apps",
    [MAP_HELD_USERS] = "held_users",
    [MAP_HELD_NETWORKS] = "held_networks",
    [MAP_HELD_WATCHED] = "held_watched",
    [MAP_LED] = "led",
    [MAP_ASKS] = "asks",
    [MAP_PROCESSES] = "processes",
    [MAP_CALLERS] = "callers",
    [MAP_CALLER_BLANK] = "caller_blank",
    [MAP_ADOPTED] = "adopted",
    [MAP_WORKBENCHES] = "workbenches",
    [MAP_HELD_BLANK] = "held_blank",
    [MAP_HELD_NEXT] = "held_next",
    [MAP_HOLDERS] = "holders",
    [MAP_REAUTHORIZING] = "reauthorizing",
};

/* The linker wants file names; these files have no other. */
struct memory_file {
    int fd;
    char path[32];
};

static void memory_file_close(struct memory_file *file)
{
    close_fd(&file->fd);
}

#define CLEANUP_MEMORY_FILE __attribute__((cleanup(memory_file_close)))

static int memory_file_open(struct memory_file *file, const void *bytes, size_t size)
{
    file->fd = memfd_create("openwfp", MFD_CLOEXEC);
    if (file->fd < 0)
        return -errno;
    snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
    for (size_t done = 0; done < size;) {
        ssize_t written = write(file->fd, (const char *)bytes + done, size - done);

        if (written <= 0)
            return -errno;
        done += written;
    }
    return 0;
}

static int memory_file_read(const struct memory_file *file, void **bytes, size_t *size)
{
    off_t length = lseek(file->fd, 0, SEEK_END);

    *bytes = length > 0 ? malloc(length) : NULL;
    if (!*bytes)
        return -ENOMEM;
    *size = length;
    return pread(file->fd, *bytes, length, 0) == length ? 0 : -EIO;
}

static int link_callout(struct bpf_linker *linker, unsigned slot, const void *bytes, size_t size,
                        struct shim_error *error)
{
    CLEANUP_MEMORY_FILE struct memory_file file = {.fd = -1};
    char *copy = malloc(size);
    int result;

    if (!copy)
        return shim_fail(error, -ENOMEM, "out of memory");
    memcpy(copy, bytes, size);
    result = callout_prepare(copy, size, slot, error);
    if (result) {
        free(copy);
        return result;
    }
    result = memory_file_open(&file, copy, size);
    free(copy);
    if (!result)
        result = bpf_linker__add_file(linker, file.path, NULL);
    if (result)
        return shim_fail(error, result,
                         "the callout's object does not link: %s. It needs clang's -g; its "
                         "functions and variables must be static; a map with a name that is in "
                         "use must be defined alike",
                         strerror(-result));
    return 0;
}

static int link_kept_callouts(struct shim *shim, struct bpf_linker *linker, int except,
                              struct shim_error *error)
{
    struct ale_callout_object *kept = malloc(sizeof(*kept));
    int result = kept ? 0 : shim_fail(error, -ENOMEM, "out of memory");

    for (uint32_t slot = 0; !result && slot < CLASSIFY_CALLOUTS; slot++) {
        if ((int)slot == except || bpf_map_lookup_elem(shim->maps[MAP_CALLOUTS], &slot, kept) ||
            !kept->size || kept->size > ALE_CALLOUT_BYTES)
            continue;
        result = link_callout(linker, slot, kept->bytes, kept->size, error);
    }
    free(kept);
    return result;
}

/* The same programs, with loops and memory that this kernel has. */
static const void *programs_for_kernel(size_t *size)
{
    return probe_arena() ? ale_bounded_bpf__elf_bytes(size) : ale_bpf__elf_bytes(size);
}

/* Links the programs with the callouts kept, `slot` (-1: none) having another or no object. */
int object_build(struct shim *shim, int slot, const void *callout, size_t size, void **image,
                 size_t *image_size, struct shim_error *error)
{
    CLEANUP_MEMORY_FILE struct memory_file base = {.fd = -1}, linked = {.fd = -1};
    struct bpf_linker *linker = NULL;
    size_t base_size;
    const void *base_bytes = programs_for_kernel(&base_size);
    int result = memory_file_open(&base, base_bytes, base_size);

    if (!result)
        result = memory_file_open(&linked, "", 0);
    if (!result) {
        linker = bpf_linker__new(linked.path, NULL);
        result = linker ? bpf_linker__add_file(linker, base.path, NULL) : -errno;
    }
    if (result) {
        shim_fail(error, result, "can't link the kernel programs: %s", strerror(-result));
        goto out;
    }
    if (shim->maps[MAP_CALLOUTS] >= 0)
        result = link_kept_callouts(shim, linker, slot, error);
    if (!result && callout)
        result = link_callout(linker, slot, callout, size, error);
    if (result)
        goto out;
    result = bpf_linker__finalize(linker);
    if (!result)
        result = memory_file_read(&linked, image, image_size);
    if (result)
        shim_fail(error, result, "can't link the kernel programs: %s", strerror(-result));
out:
    bpf_linker__free(linker);
    return result;
}

/* Sets a `const volatile` of the programs. */
static void set_constant(struct bpf_object *object, const char *name, const void *value,
                         size_t size)
{
    const struct btf *btf = bpf_object__btf(object);
    int section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
    const struct btf_type *data = section > 0 ? btf__type_by_id(btf, section) : NULL;
    struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
    size_t room;
    char *bytes = map ? (char *)bpf_map__initial_value(map, &room) : NULL;

    if (!data || !bytes)
        return;
    const struct btf_var_secinfo *variable = btf_var_secinfos(data);
    for (int i = 0; i < btf_vlen(data); i++, variable++) {
        const struct btf_type *type = btf__type_by_id(btf, variable->type);

        if (!strcmp(btf__name_by_offset(btf, type->name_off), name) &&
            variable->offset + size <= room)
            memcpy(bytes + variable->offset, value, size);
    }
}

void object_set_scope(const struct shim *shim, struct bpf_object *object)
{
    uint64_t cgroup = cgroup_id(shim->cgroup_fd);
    char root[PATH_MAX];
    uint32_t level = 0, weakly_ordered = STORES_PASS_STORES;

    if (!cgroup2_root(root))
        level = cgroup_level(root, shim->cgroup);
    set_constant(object, "scope_cookie", &shim->scope_cookie, sizeof(shim->scope_cookie));
    set_constant(object, "scope_cgroup", &cgroup, sizeof(cgroup));
    set_constant(object, "scope_level", &level, sizeof(level));
    set_constant(object, "weakly_ordered", &weakly_ordered, sizeof(weakly_ordered));
}

static int reuse_map(struct shim *shim, struct bpf_map *map, int fd, struct shim_error *error)
{
    struct bpf_map_info info = {0};
    uint32_t length = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &length))
        return shim_fail(error, -errno, "can't read the pinned map %s: %s", bpf_map__name(map),
                         strerror(errno));
    if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
        info.value_size != bpf_map__value_size(map))
        return shim_fail(error, -EPROTO,
                         "the pinned map %s in %s has another shape: remove the pins, or rename "
                         "the callout's map",
                         bpf_map__name(map), shim->pin_dir);
    return bpf_map__reuse_fd(map, fd);
}

int object_map_named(const char *name)
{
    for (int i = 0; i < MAP_COUNT; i++)
        if (!strcmp(shim_map_names[i], name))
            return i;
    return -1;
}

static int callout_map_path(const struct shim *shim, const struct bpf_map *map, char path[PATH_MAX])
{
    char name[64];

    snprintf(name, sizeof(name), "callout_map_%s", bpf_map__name(map));
    return pins_path(shim, name, path);
}

/* The shim's own maps by descriptor, a callout's by its pin, when there is one. */
static int reuse_maps(struct shim *shim, struct bpf_object *object, struct shim_error *error)
{
    struct bpf_map *map;
    char path[PATH_MAX];
    int result = 0;

    bpf_object__for_each_map(map, object)
    {
        const char *name = bpf_map__name(map);
        int known = object_map_named(name);

        if (bpf_map__is_internal(map))
            continue;
        if (bpf_map__type(map) == (enum bpf_map_type)CLASSIFY_MAP_TYPE_ARENA) {
            bpf_map__set_max_entries(map, policy_arena_pages());
            bpf_map__set_map_extra(map, policy_arena_address());
        }
        if (known >= 0) {
            if (shim->maps[known] >= 0)
                result = reuse_map(shim, map, shim->maps[known], error);
        } else if (!callout_map_path(shim, map, path)) {
            CLEANUP_FD int fd = bpf_obj_get(path);

            if (fd >= 0)
                result = reuse_map(shim, map, fd, error);
        }
        if (result)
            return result;
    }
    return 0;
}

/* Older kernels say "no space" instead of what is wrong when it is too small for all of it. */
#define VERIFIER_LOG (16u << 20)

static struct bpf_object *object_open(struct shim *shim, uint64_t programs, uint64_t cookie,
                                      char *log, struct shim_error *error)
{
    const uint64_t tracing = 1ull << PROGRAM_ANSWER | 1ull << PROGRAM_REAUTHORIZE |
                             1ull << PROGRAM_REAUTHORIZE_UDP | LSM_PROGRAMS;
    uint32_t no_coarse_clock = (programs & tracing) != 0;
    uint32_t no_task_storage = probe_task_storage() != 0;

    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "openwfp", .kernel_log_buf = log,
                .kernel_log_size = log ? VERIFIER_LOG : 0);
    struct bpf_object *object =
        bpf_object__open_mem(shim->code.image, shim->code.image_size, &options);

    if (!object) {
        shim_fail(error, -errno, "can't open the kernel programs: %s", strerror(errno));
        return NULL;
    }
    object_set_scope(shim, object);
    set_constant(object, "lookup_netns_cookie", &cookie, sizeof(cookie));
    set_constant(object, "no_coarse_clock", &no_coarse_clock, sizeof(no_coarse_clock));
    set_constant(object, "no_task_storage", &no_task_storage, sizeof(no_task_storage));
    if (!no_task_storage)
        bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "callers"), 1);
    if (!reuse_maps(shim, object, error))
        return object;
    bpf_object__close(object);
    return NULL;
}

static void choose_programs(struct bpf_object *object, uint64_t programs)
{
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        struct bpf_program *program =
            bpf_object__find_program_by_name(object, shim_program_names[i]);

        if (program)
            bpf_program__set_autoload(program, programs & (1ull << i));
    }
}

static int pin_callout_maps(struct shim *shim, struct bpf_object *object)
{
    struct bpf_map *map;
    char path[PATH_MAX];

    bpf_object__for_each_map(map, object)
    {
        const char *name = bpf_map__name(map);

        if (bpf_map__is_internal(map) || object_map_named(name) >= 0 || strchr(name, '.') ||
            callout_map_path(shim, map, path) || !access(path, F_OK))
            continue;
        if (bpf_map__pin(map, path))
            return -errno;
    }
    return 0;
}

/* The maps that are not open yet are the new object's. */
static int take_maps(struct shim *shim, struct bpf_object *object)
{
    for (int i = 0; i < MAP_COUNT; i++) {
        if (shim->maps[i] >= 0)
            continue;
        shim->maps[i] =
            fcntl(bpf_object__find_map_fd_by_name(object, shim_map_names[i]), F_DUPFD_CLOEXEC, 3);
        if (shim->maps[i] < 0)
            return -errno;
    }
    return pin_callout_maps(shim, object);
}

/* What matters is at the end. */
static void keep_log(const char *log, struct shim_error *error)
{
    size_t length = log ? strlen(log) : 0, room = error ? sizeof(error->log) - 1 : 0;

    if (error && log)
        strcpy(error->log, log + (length > room ? length - room : 0));
}

static struct bpf_object *load_logged(struct shim *shim, uint64_t programs, uint64_t cookie,
                                      char *log, struct shim_error *error)
{
    struct bpf_object *object = object_open(shim, programs, cookie, log, error);
    int result;

    if (!object)
        return NULL;
    choose_programs(object, programs);
    result = bpf_object__load(object);
    if (result) {
        keep_log(log, error);
        shim_fail(error, result, "the kernel refused the programs: %s%s", strerror(-result),
                  result == -EPERM ? " (loading BPF needs CAP_BPF, CAP_NET_ADMIN and "
                                     "CAP_PERFMON, or root)"
                                   : "; its verifier's last words are in the log");
    } else {
        result = take_maps(shim, object);
        if (result)
            shim_fail(error, result, "can't keep the programs' maps in %s: %s", shim->pin_dir,
                      strerror(-result));
    }
    if (!result)
        return object;
    bpf_object__close(object);
    return NULL;
}

struct bpf_object *object_load(struct shim *shim, uint64_t programs, uint64_t cookie,
                               struct shim_error *error)
{
    char *log = calloc(1, VERIFIER_LOG);
    struct bpf_object *object = load_logged(shim, programs, cookie, log, error);

    free(log);
    return object;
}
