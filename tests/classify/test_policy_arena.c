/* Places of the arena: whose they are, when they are emptied, what a killed owner leaves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include <fwps_layers.h>
#include <fwptypes.h>

#include "classify/walk.h"
#include "policy_set.h"
#include "shims/bpf/policy_arena.h"

#define SKIPPED 77

static const char *object_path;

struct world {
    struct bpf_object *object;
    struct policy_arena arena;
};

static int map_of(const struct world *world)
{
    return bpf_object__find_map_fd_by_name(world->object, "policy");
}

static const struct classify_arena *head(const struct world *world)
{
    return (const void *)world->arena.bytes;
}

static int adopt(struct world *world)
{
    int result = policy_arena_open(&world->arena, map_of(world), NULL);
    return result != 0 ? result
                       : policy_arena_set_forget(&world->arena,
                                                 bpf_program__fd(bpf_object__find_program_by_name(
                                                     world->object, "classify_forget")));
}

static bool load(struct world *world)
{
    world->object = bpf_object__open_file(object_path, NULL);
    if (world->object == NULL)
        return false;
    struct bpf_map *map = bpf_object__find_map_by_name(world->object, "policy");
    bpf_map__set_max_entries(map, policy_arena_pages());
    bpf_map__set_map_extra(map, policy_arena_address());
    return bpf_object__load(world->object) == 0;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    *state = world;
    return world != NULL && load(world) ? adopt(world) : -1;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    policy_arena_close(&world->arena);
    bpf_object__close(world->object);
    free(world);
    return 0;
}

static struct classify_image *image_of(size_t count)
{
    struct classify_image *image;
    struct model_error error;
    struct policy_set set;
    assert_true(policy_set_make(&set, "acl-plain", count));
    assert_int_equal(0, classify_compile(set.view, set.count, &policy_set_intern, &image, &error));
    policy_set_free(&set);
    return image;
}

static uint32_t place_of(const struct world *world, const struct classify_image *image)
{
    return (uint32_t)(image->memory - world->arena.bytes) / CLASSIFY_PLACE;
}

static struct classify_image *placed(struct world *world, size_t count)
{
    struct classify_image *image = image_of(count);
    assert_int_equal(0, policy_arena_place(&world->arena, image));
    return image;
}

/* The kernel's decision of an empty key at the first layer of ALE. */
static struct classify_result decide(const struct world *world)
{
    int walks = bpf_object__find_map_fd_by_name(world->object, "walks");
    int program = bpf_program__fd(bpf_object__find_program_by_name(world->object, "decide_first"));
    struct classify_walk walk = {.layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4};
    uint8_t packet[64] = {0};
    uint32_t first = 0;
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof packet);
    assert_int_equal(0, bpf_map_update_elem(walks, &first, &walk, BPF_ANY));
    assert_int_equal(0, bpf_prog_test_run_opts(program, &run));
    assert_int_equal(0, bpf_map_lookup_elem(walks, &first, &walk));
    return walk.result;
}

/* As after a restart, which also waits for who empties a place. */
static void begin_anew(struct world *world)
{
    policy_arena_close(&world->arena);
    assert_int_equal(0, adopt(world));
}

/* The copy is the image's memory; pages of zeros are not there. */
static void test_an_image_is_copied(void **state)
{
    struct world *world = *state;
    struct classify_image *image = image_of(1000);
    uint8_t *before = malloc(image->used);
    size_t used = image->used;
    assert_non_null(before);
    memcpy(before, image->memory, used);
    assert_int_equal(0, policy_arena_place(&world->arena, image));
    assert_null(policy_arena_in_force(&world->arena));
    policy_arena_enforce(&world->arena, image);
    assert_ptr_equal(image->memory, policy_arena_in_force(&world->arena));
    assert_memory_equal(before, image->memory, used);
    assert_true(image->size > 0 && image->size < CLASSIFY_BLOCK);
    classify_image_free(image);
    free(before);
}

/* Whose owner frees it while it is in force goes on; the next one has it emptied. */
static void test_what_is_in_force_stays(void **state)
{
    struct world *world = *state;
    struct classify_image *image = placed(world, 100), *next;
    uint32_t place = place_of(world, image);
    policy_arena_enforce(&world->arena, image);
    classify_image_free(image);
    assert_non_null(policy_arena_in_force(&world->arena));
    assert_int_not_equal(0, head(world)->pages[place]);
    next = placed(world, 100);
    assert_int_not_equal(place, place_of(world, next));
    policy_arena_enforce(&world->arena, next);
    begin_anew(world);
    assert_int_equal(0, head(world)->pages[place]);
    classify_image_free(next);
}

/* Of what is freed and not in force nothing is left. */
static void test_what_is_freed_is_emptied(void **state)
{
    struct world *world = *state;
    struct classify_image *image = placed(world, 1000);
    uint32_t place = place_of(world, image);
    const uint8_t *bytes = image->memory;
    classify_image_free(image);
    begin_anew(world);
    assert_int_equal(0, head(world)->pages[place]);
    assert_int_equal(0, bytes[0] | bytes[1] | bytes[2] | bytes[3]);
}

static void test_places_are_counted(void **state)
{
    struct world *world = *state;
    struct classify_image *images[CLASSIFY_PLACES], *more = image_of(10);
    for (size_t i = 0; i < CLASSIFY_PLACES; i++)
        images[i] = placed(world, 10);
    assert_int_equal(-EBUSY, policy_arena_place(&world->arena, more));
    classify_image_free(images[2]);
    assert_int_equal(0, policy_arena_place(&world->arena, more));
    assert_int_equal(2, place_of(world, more));
    images[2] = more;
    for (size_t i = 0; i < CLASSIFY_PLACES; i++)
        classify_image_free(images[i]);
}

/* Its images are not freed: the next owner finds their places taken by nobody. */
static void test_what_a_killed_owner_left_is_emptied(void **state)
{
    struct world *world = *state;
    struct classify_image *left[CLASSIFY_PLACES], *image;
    for (size_t i = 0; i < CLASSIFY_PLACES; i++)
        left[i] = placed(world, 100);
    policy_arena_enforce(&world->arena, left[1]);
    begin_anew(world);
    const uint8_t *in_force = policy_arena_in_force(&world->arena);
    for (int i = 0; i < 2 * CLASSIFY_PLACES; i++) {
        image = placed(world, 10);
        assert_int_not_equal(1, place_of(world, image));
        classify_image_free(image);
    }
    assert_ptr_equal(in_force, policy_arena_in_force(&world->arena));
    for (size_t i = 0; i < CLASSIFY_PLACES; i++) {
        left[i]->memory = NULL;
        classify_image_free(left[i]);
    }
}

/* What is emptied under a lookup is no policy without filters, which would permit. */
static void test_what_is_not_there_blocks(void **state)
{
    struct world *world = *state;
    struct classify_image *image = placed(world, 100);
    struct classify_forget what = {.offset = (uint32_t)(image->memory - world->arena.bytes),
                                   .pages = (uint32_t)(image->size / 4096)};
    LIBBPF_OPTS(bpf_test_run_opts, forget, .ctx_in = &what, .ctx_size_in = sizeof what);
    policy_arena_enforce(&world->arena, image);
    assert_int_not_equal(CLASSIFY_RESULT_BROKEN, decide(world).flags);
    assert_int_equal(0, bpf_prog_test_run_opts(world->arena.forget, &forget));
    struct classify_result result = decide(world);
    assert_int_equal(FWP_ACTION_BLOCK, result.action);
    assert_int_equal(CLASSIFY_RESULT_BROKEN, result.flags);
    classify_image_free(image);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_image_is_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_in_force_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_freed_is_emptied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_blocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_killed_owner_left_is_emptied, set_up,
                                        tear_down),
    };
    struct world world = {0};
    object_path = argc > 1 ? argv[1] : "";
    libbpf_set_print(quiet);
    bool arenas = load(&world);
    bpf_object__close(world.object);
    if (!arenas) {
        fprintf(stderr, "skipped: no arenas here, or no rights to make one\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
