/*
 * The programs of one image, loaded as they are needed, each once: they are pinned under names with
 * the code's mark in them, so that whoever takes over with the same code needs no verifier.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX          "code_"
#define NAME_MAX_LENGTH 96
#define MAPS            64 /* more than any of our programs uses */

/* ---- what tells one code from another ---- */

/* FNV-1a: nobody but us writes here, builds just have to differ. */
static uint64_t mark_more(uint64_t mark, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        mark = (mark ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3ull;
    return mark;
}

struct shim_code code_of_image(const struct shim *shim, void *image, size_t size)
{
    uint64_t cgroup = cgroup_id(shim->cgroup_fd), mark = 0xcbf29ce484222325ull;

    mark = mark_more(mark, image, size);
    mark = mark_more(mark, &cgroup, sizeof(cgroup));
    mark = mark_more(mark, &shim->scope_cookie, sizeof(shim->scope_cookie));
    return (struct shim_code){.image = image, .image_size = size, .mark = mark};
}

int code_build(struct shim *shim, struct shim_error *error)
{
    void *image = NULL;
    size_t size = 0;
    int result = object_build(shim, -1, NULL, 0, &image, &size, error);

    shim->code = code_of_image(shim, image, size);
    return result;
}

/* ---- pins ---- */

/* cookie 0: of every namespace */
static int pin_path(const struct shim *shim, enum shim_program program, uint64_t cookie,
                    char path[PATH_MAX])
{
    char name[NAME_MAX_LENGTH];
    int length = snprintf(name, sizeof(name), PREFIX "%016" PRIx64 "_%s", shim->code.mark,
                          shim_program_names[program]);

    if (cookie)
        snprintf(name + length, sizeof(name) - length, "_%" PRIu64, cookie);
    return pins_path(shim, name, path);
}

/* Where it can't be, only the next loader's time is lost. */
static void pin(const struct shim *shim, enum shim_program program, uint64_t cookie, int fd)
{
    char path[PATH_MAX];

    if (pin_path(shim, program, cookie, path))
        return;
    unlink(path);
    bpf_obj_pin(fd, path);
}

static bool is_of_code(const struct shim *shim, const char *name)
{
    return strtoull(name + strlen(PREFIX), NULL, 16) == shim->code.mark;
}

static int forget_other(struct shim *shim, const char *name, struct shim_error *error)
{
    char path[PATH_MAX];

    (void)error;
    if (!is_of_code(shim, name) && !pins_path(shim, name, path))
        unlink(path);
    return 0;
}

void code_forget_others(struct shim *shim)
{
    pins_each(shim, PREFIX, forget_other, NULL);
}

/* The caches that it uses are those of all programs of this code. */
static void take_maps(struct shim *shim, int program)
{
    uint32_t ids[MAPS];
    struct bpf_prog_info info = {.nr_map_ids = MAPS, .map_ids = (uintptr_t)ids};
    uint32_t length = sizeof(info);

    if (bpf_obj_get_info_by_fd(program, &info, &length))
        return;
    for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS; i++) {
        CLEANUP_FD int fd = bpf_map_get_fd_by_id(ids[i]);
        struct bpf_map_info map = {0};
        uint32_t size = sizeof(map);

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &map, &size))
            continue;
        int known = object_map_named(map.name);
        if (known >= 0 && shim->maps[known] < 0)
            shim->maps[known] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
}

static int program_named(const char *name)
{
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (!strcmp(shim_program_names[i], name))
            return i;
    return -1;
}

static int recall_one(struct shim *shim, const char *name, struct shim_error *error)
{
    char path[PATH_MAX];

    if (!is_of_code(shim, name))
        return forget_other(shim, name, error);
    CLEANUP_FD int fd = pins_path(shim, name, path) ? -1 : bpf_obj_get(path);
    if (fd < 0)
        return 0;
    take_maps(shim, fd);
    int program = program_named(name + strlen(PREFIX) + 16 + 1);
    if (program >= 0)
        shim->code.programs[program] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return 0;
}

int code_recall(struct shim *shim, struct shim_error *error)
{
    return pins_each(shim, PREFIX, recall_one, error);
}

/* ---- loading ---- */

/* These have a constant of their namespace in them: each has its own object. */
static bool code_is_of_namespace(int program)
{
    return program == PROGRAM_LOOKUP || program == PROGRAM_HELD_IN || program == PROGRAM_DENIED_IN;
}

static int keep(struct shim *shim, const struct bpf_object *object, enum shim_program program,
                uint64_t cookie)
{
    const struct bpf_program *loaded =
        bpf_object__find_program_by_name(object, shim_program_names[program]);
    int fd = fcntl(bpf_program__fd(loaded), F_DUPFD_CLOEXEC, 3);

    if (fd >= 0)
        pin(shim, program, cookie, fd);
    return fd < 0 ? -errno : fd;
}

static bool has_maps(const struct shim *shim)
{
    for (int i = 0; i < MAP_COUNT; i++)
        if (shim->maps[i] < 0)
            return false;
    return true;
}

/* Loads those of the programs that are not loaded yet, as one object; at first also the maps. */
static int provide(struct shim *shim, uint64_t programs, struct shim_error *error)
{
    struct shim_code *code = &shim->code;
    uint64_t missing = 0;
    int fd = 0;

    if (programs && shim->arena.bytes)
        programs |= 1ull << PROGRAM_FORGET; /* costs least beside others */
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (!code_is_of_namespace(i) && (programs & (1ull << i)) && code->programs[i] <= 0)
            missing |= 1ull << i;
    if (!missing && has_maps(shim))
        return 0;
    struct bpf_object *object = object_load(shim, missing, 0, error);
    if (!object)
        return error && error->code ? error->code : -EINVAL;
    for (int i = 0; fd >= 0 && i < PROGRAM_COUNT; i++)
        if (missing & (1ull << i))
            code->programs[i] = fd = keep(shim, object, i, 0);
    bpf_object__close(object);
    return fd < 0 ? shim_fail(error, fd, "out of descriptors") : 0;
}

/* LSM's programs have no coarse clock, so what they are loaded with would have none either. */
int code_provide(struct shim *shim, uint64_t programs, struct shim_error *error)
{
    int result = provide(shim, programs & ~LSM_PROGRAMS, error);

    if (!result && (programs & LSM_PROGRAMS))
        result = provide(shim, programs & LSM_PROGRAMS, error);
    return result;
}

int code_of_namespace(struct shim *shim, enum shim_program program, uint64_t cookie,
                      struct shim_error *error)
{
    char path[PATH_MAX];
    int fd = pin_path(shim, program, cookie, path) ? -ENAMETOOLONG : bpf_obj_get(path);

    if (fd >= 0)
        return fd;
    struct bpf_object *object = object_load(shim, 1ull << program, cookie, error);
    if (!object)
        return error && error->code ? error->code : -EINVAL;
    fd = keep(shim, object, program, cookie);
    bpf_object__close(object);
    return fd < 0 ? shim_fail(error, fd, "out of descriptors") : fd;
}

void code_forget_namespace(struct shim *shim, enum shim_program program, uint64_t cookie)
{
    char path[PATH_MAX];

    if (!pin_path(shim, program, cookie, path))
        unlink(path);
}

void code_free(struct shim_code *code)
{
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (code->programs[i] > 0)
            close(code->programs[i]);
    free(code->image);
}
