#include "kernel_side.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shims/bpf/policy_arena.h"

struct kernel_side {
    struct bpf_object *object;
    struct classify_walk *walks;
    struct policy_arena arena;
    int policy, decide_all, decide_first;
};

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    return level == LIBBPF_WARN && getenv("VERBOSE") ? vfprintf(stderr, format, arguments) : 0;
}

static size_t walks_size(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = DIFFERENTIAL_KEYS * sizeof(struct classify_walk);
    return (size + page - 1) / page * page;
}

/* Where the object has an arena. */
static bool open_arena(struct kernel_side *side)
{
    if (!policy_arena_is(side->policy))
        return true;
    if (policy_arena_open(&side->arena, side->policy, NULL) != 0)
        return false;
    return policy_arena_set_forget(&side->arena, bpf_program__fd(bpf_object__find_program_by_name(
                                                     side->object, "classify_forget"))) == 0;
}

static bool find_parts(struct kernel_side *side)
{
    struct bpf_program *all = bpf_object__find_program_by_name(side->object, "decide_all");
    struct bpf_program *first = bpf_object__find_program_by_name(side->object, "decide_first");
    int walks = bpf_object__find_map_fd_by_name(side->object, "walks");
    side->policy = bpf_object__find_map_fd_by_name(side->object, "policy");
    if (all == NULL || first == NULL || walks < 0 || side->policy < 0)
        return false;
    side->decide_all = bpf_program__fd(all);
    side->decide_first = bpf_program__fd(first);
    side->walks = mmap(NULL, walks_size(), PROT_READ | PROT_WRITE, MAP_SHARED, walks, 0);
    return side->walks != MAP_FAILED && open_arena(side);
}

bool kernel_side_permitted(void)
{
    int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "permitted", sizeof(uint32_t), sizeof(uint32_t), 1,
                             NULL);
    if (map >= 0)
        close(map);
    return map >= 0 || (errno != EPERM && errno != ENOSYS);
}

static bool load(struct kernel_side *side, const char *object_path)
{
    side->object = bpf_object__open_file(object_path, NULL);
    if (side->object == NULL)
        return false;
    struct bpf_map *policy = bpf_object__find_map_by_name(side->object, "policy");
    if (bpf_map__type(policy) == (enum bpf_map_type)CLASSIFY_MAP_TYPE_ARENA) {
        bpf_map__set_max_entries(policy, policy_arena_pages());
        bpf_map__set_map_extra(policy, policy_arena_address());
    }
    if (bpf_object__load(side->object) == 0 && find_parts(side))
        return true;
    bpf_object__close(side->object);
    return false;
}

/* The same program for kernels that lack its loops is beside it. */
static bool load_bounded(struct kernel_side *side, const char *object_path)
{
    char path[PATH_MAX];
    const char *name = strstr(object_path, ".linked.o");
    if (name == NULL)
        return false;
    snprintf(path, sizeof path, "%.*s.bounded.o", (int)(name - object_path), object_path);
    return load(side, path);
}

struct kernel_side *kernel_side_open(const char *object_path)
{
    struct kernel_side *side = calloc(1, sizeof *side);
    if (side == NULL)
        return NULL;
    libbpf_set_print(quiet);
    if (!load(side, object_path) && !load_bounded(side, object_path)) {
        fprintf(stderr, "no kernel side: cannot load %s: %s\n", object_path, strerror(errno));
        free(side);
        return NULL;
    }
    return side;
}

void kernel_side_close(struct kernel_side *side)
{
    if (side == NULL)
        return;
    munmap(side->walks, walks_size());
    policy_arena_close(&side->arena);
    bpf_object__close(side->object);
    free(side);
}

static void unmap(void *mapping, size_t size)
{
    munmap(mapping, size);
}

static bool load_map(struct kernel_side *side, struct classify_image *image)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    uint32_t zero = 0;
    int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy", sizeof(uint32_t), CLASSIFY_BLOCK,
                               (uint32_t)(image->size / CLASSIFY_BLOCK), &options);
    void *mapping = inner < 0
                        ? MAP_FAILED
                        : mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, inner, 0);
    bool loaded = mapping != MAP_FAILED;
    if (loaded) {
        memcpy(mapping, image->memory, image->used);
        classify_image_adopt(image, mapping, unmap);
        loaded = bpf_map_update_elem(side->policy, &zero, &inner, 0) == 0;
    }
    if (!loaded)
        fprintf(stderr, "cannot load a policy of %zu bytes: %s\n", image->size, strerror(errno));
    if (inner >= 0)
        close(inner);
    return loaded;
}

static bool load_arena(struct kernel_side *side, struct classify_image *image)
{
    int result = policy_arena_place(&side->arena, image);
    if (result == 0)
        policy_arena_enforce(&side->arena, image);
    else
        fprintf(stderr, "cannot load a policy of %zu bytes: %s\n", image->size, strerror(-result));
    return result == 0;
}

bool kernel_side_load(struct kernel_side *side, struct classify_image *image)
{
    return side->arena.bytes != NULL ? load_arena(side, image) : load_map(side, image);
}

struct classify_walk *kernel_side_walks(struct kernel_side *side)
{
    return side->walks;
}

static bool run(int program, unsigned repeat)
{
    uint8_t packet[64] = {0};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof packet,
                .repeat = (int)repeat);
    if (bpf_prog_test_run_opts(program, &options) == 0)
        return true;
    fprintf(stderr, "BPF_PROG_TEST_RUN: %s\n", strerror(errno));
    return false;
}

bool kernel_side_decide(struct kernel_side *side)
{
    return run(side->decide_all, 1);
}

/* ---- time ---- */

static bool read_statistics(int program, struct bpf_prog_info *info)
{
    uint32_t size = sizeof *info;
    memset(info, 0, sizeof *info);
    return bpf_obj_get_info_by_fd(program, info, &size) == 0;
}

/* Nanoseconds of a run; 0: failed. */
static double measure(int program, unsigned repeat)
{
    struct bpf_prog_info before, after;
    int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
    bool ran = statistics >= 0 && read_statistics(program, &before) && run(program, repeat) &&
               read_statistics(program, &after) && after.run_cnt > before.run_cnt;
    if (statistics >= 0)
        close(statistics);
    return ran ? (double)(after.run_time_ns - before.run_time_ns) /
                     (double)(after.run_cnt - before.run_cnt)
               : 0;
}

double kernel_side_measure_all(struct kernel_side *side)
{
    return measure(side->decide_all, 1) / DIFFERENTIAL_KEYS;
}

double kernel_side_measure_first(struct kernel_side *side, unsigned repeat)
{
    return measure(side->decide_first, repeat);
}
