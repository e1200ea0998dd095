/*
 * Changes that fail: half-way for lack of memory or room, refused by a filter, or because lookups
 * may still be where the next change would have to be written. The policy stays the old one, and
 * later changes work.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fwpmu.h>
#include <fwpsu.h>

#include "classify/change.h"
#include "classify/evaluate.h"
#include "classify/image.h"
#include "model/sd.h"
#include "random_policy.h"

#define PORTS 64 /* that a policy is known by */
#define BASE  8  /* filters: each blocks the port of its id */
#define MANY  1100
#define TURNS 600 /* changes that go through the reserve several times */

/* ---- what the compiler calls ---- */

static long allocations_left = -1; /* -1: no end of them */

static bool may_allocate(void)
{
    if (allocations_left == 0)
        return false;
    if (allocations_left > 0)
        allocations_left--;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}

/* The kernel's word that all lookups are over, and the thread that waits for it. */
static struct {
    bool refused, late, no_thread;
    unsigned asked; /* from several threads */
    sem_t over;
    void (*joining)(void);
} grace;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *ctx);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *ctx);
int __wrap_pthread_join(pthread_t thread, void **result);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    __atomic_fetch_add(&grace.asked, 1, __ATOMIC_RELAXED);
    if (grace.late)
        sem_wait(&grace.over);
    if (!grace.refused)
        return 0;
    errno = ENOSYS;
    return -1;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *ctx)
{
    return grace.no_thread ? EAGAIN : __real_pthread_create(thread, attributes, run, ctx);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    if (grace.joining)
        grace.joining();
    return __real_pthread_join(thread, result);
}

/* ---- filters and policies ---- */

static struct named {
    FWPM_FILTER0 filter;
    FWPM_FILTER_CONDITION0 condition;
} filters[MANY];

static struct model_view_filter view[MANY];
static struct model_error error;
static struct classify_image *image;

/* The filter with that id blocks that port. */
static struct model_view_filter blocking(uint64_t id, uint16_t port)
{
    struct named *named = &filters[id];

    named->condition = (FWPM_FILTER_CONDITION0){
        .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
        .conditionValue = {.type = FWP_UINT16, .uint16 = port},
    };
    named->filter = (FWPM_FILTER0){.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                   .filterId = id,
                                   .numFilterConditions = 1,
                                   .filterCondition = &named->condition,
                                   .action.type = FWP_ACTION_BLOCK};
    return (struct model_view_filter){.filter = &named->filter, .weight = id};
}

static uint64_t decision(uint16_t port)
{
    struct classify_walk walk = {.layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4};

    key_from_value(&walk.key, CLASSIFY_REMOTE_PORT,
                   &(FWP_VALUE0){.type = FWP_UINT16, .uint16 = port});
    classify_evaluate(image, &walk, NULL);
    return walk.result.filter_id;
}

struct policy {
    uint64_t decided[PORTS];
    uint32_t version, groups, changes, deaths;
};

static struct policy policy_now(void)
{
    const struct image_private *private = image->private;
    struct policy policy = {.version = private->version,
                            .groups = image->group_count,
                            .changes = private->overlay.count,
                            .deaths = private->overlay.death_count};

    for (uint16_t port = 0; port < PORTS; port++)
        policy.decided[port] = decision(port);
    return policy;
}

static void assert_policy_is(const struct policy *expected)
{
    struct policy now = policy_now();

    assert_memory_equal(&now, expected, sizeof(now));
    assert_int_equal(image->private->pending, 0);
}

static uint32_t prepare(const struct model_view_filter *added, size_t added_count,
                        const struct model_view_filter *deleted, size_t deleted_count)
{
    const struct classify_change change = {added, deleted, added_count, deleted_count};

    error = (struct model_error){0};
    return classify_change_prepare(image, &change, &random_intern, &error);
}

static int begin(void **state)
{
    memset(&grace, 0, sizeof(grace));
    sem_init(&grace.over, 0, 0);
    for (uint64_t id = 1; id <= BASE; id++)
        view[id] = blocking(id, (uint16_t)id);
    assert_int_equal(classify_compile(view + 1, BASE, &random_intern, &image, &error), 0);
    return 0;
}

static int end(void **state)
{
    classify_image_free(image);
    sem_post(&grace.over);
    return 0;
}

/* ---- half-way ---- */

/* Filter 20 comes and filter 1 goes: what there is of changes before the one that fails. */
static void change_once(void)
{
    struct model_view_filter come = blocking(20, 20), go = blocking(1, 1);

    assert_int_equal(prepare(&come, 1, &go, 1), 0);
    classify_change_publish(image);
    assert_int_equal(decision(20), 20);
    assert_int_equal(decision(1), 0);
}

static void test_without_memory_the_old_policy_stays(void **state)
{
    change_once();
    const struct policy old = policy_now();
    const struct model_view_filter gone[] = {blocking(2, 2), blocking(20, 20)};
    const struct model_view_filter come[] = {blocking(21, 21), blocking(22, 3)};
    uint32_t code = CLASSIFY_NO_ROOM;
    long left = 0;

    for (; code != ERROR_SUCCESS; left++) {
        allocations_left = left;
        code = prepare(come, 2, gone, 2);
        allocations_left = -1;
        if (code == ERROR_SUCCESS)
            break;
        assert_true(code == CLASSIFY_NO_ROOM || code == ERROR_NOT_ENOUGH_MEMORY);
        assert_true(code == CLASSIFY_NO_ROOM || strstr(error.text, "out of memory"));
        assert_policy_is(&old);
    }
    assert_true(left > 5);
    classify_change_publish(image);
    assert_int_equal(decision(2), 0);
    assert_int_equal(decision(20), 0);
    assert_int_equal(decision(21), 21);
    assert_int_equal(decision(3), 22);
}

static void test_a_refused_filter_takes_the_whole_change_back(void **state)
{
    char text[65 * 32] = "D:";
    const char *at, *why;
    FWP_BYTE_BLOB sd;

    for (unsigned gid = 0; gid < 65; gid++)
        sprintf(text + strlen(text), "(A;;CC;;;S-1-22-2-%u)", gid);
    assert_true(sddl_parse(text, &sd, &at, &why));
    change_once();
    const struct policy old = policy_now();
    const struct model_view_filter gone[] = {blocking(2, 2), blocking(20, 20)};
    const struct model_view_filter come[] = {blocking(21, 21), blocking(22, 22)};
    filters[22].condition = (FWPM_FILTER_CONDITION0){
        .fieldKey = FWPM_CONDITION_ALE_USER_ID,
        .conditionValue = {.type = FWP_SECURITY_DESCRIPTOR_TYPE, .sd = &sd},
    };
    assert_int_equal(prepare(come, 2, gone, 2), FWP_E_OUT_OF_BOUNDS);
    assert_non_null(strstr(error.text, "group 64 "));
    assert_non_null(strstr(error.text, "22"));
    assert_policy_is(&old);
    free(sd.data);
    assert_int_equal(prepare(come, 1, gone, 2), 0);
    classify_change_cancel(image);
    assert_policy_is(&old);
}

static void test_what_does_not_fit_the_reserve_leaves_the_old_policy(void **state)
{
    change_once();
    const struct policy old = policy_now();

    for (uint64_t id = 100; id < MANY; id++)
        view[id] = blocking(id, (uint16_t)id);
    assert_int_equal(prepare(view + 100, MANY - 100, view + 2, 2), CLASSIFY_NO_ROOM);
    assert_policy_is(&old);
    assert_int_equal(prepare(view + 100, 1, view + 2, 2), 0);
    classify_change_publish(image);
    assert_int_equal(decision(2), 0);
    assert_int_equal(decision(3), 0);
}

/* ---- lookups that are not over ---- */

static uint8_t *before; /* the memory as the last change left it */

static void release(void *mapping, size_t size)
{
    free(mapping);
    free(before);
}

/* As if the image were the kernel's: others may read it. */
static int begin_shared(void **state)
{
    begin(state);
    void *mapping = aligned_alloc(4096, image->size);
    before = malloc(image->size);
    assert_non_null(mapping);
    assert_non_null(before);
    memset(mapping, 0, image->size);
    memcpy(mapping, image->memory, image->used);
    memcpy(before, mapping, image->size);
    classify_image_adopt(image, mapping, release);
    return 0;
}

/* Filter 30 blocks another port than before. */
static uint32_t turn_once(void)
{
    static uint16_t port;
    struct model_view_filter old = blocking(30, 0), fresh = blocking(30, port = 30 + port % 2);
    uint32_t code = prepare(&fresh, 1, &old, image->private->overlay.count);

    if (code != ERROR_SUCCESS)
        return code;
    classify_change_publish(image);
    memcpy(before, image->memory, image->size);
    port++;
    return code;
}

static void turn_often(void)
{
    for (unsigned i = 0; i < TURNS; i++)
        assert_int_equal(turn_once(), ERROR_SUCCESS);
}

static void turn_until_refused(void)
{
    unsigned turns = 0;

    while (turn_once() == ERROR_SUCCESS)
        assert_true(++turns < TURNS);
}

/* The half of the reserve that the version in force does not stand in. */
static void assert_left_half_is_untouched(void)
{
    const struct image_private *private = image->private;
    uint32_t half = (private->end - private->reserve) / 2, first = private->reserve;

    if (private->version < first + half)
        first += half;
    assert_memory_equal(image->memory + (size_t)first * CLASSIFY_UNIT,
                        before + (size_t)first * CLASSIFY_UNIT, (size_t)half * CLASSIFY_UNIT);
}

static void test_no_half_is_reused_while_lookups_may_read_it(void **state)
{
    grace.refused = true;
    turn_until_refused();
    const struct policy old = policy_now();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(turn_once(), CLASSIFY_NO_ROOM);
        assert_left_half_is_untouched();
        assert_policy_is(&old);
    }
    grace.refused = false;
    turn_often();
}

static void test_without_a_thread_the_change_waits_itself(void **state)
{
    grace.no_thread = true;
    turn_often();
    assert_true(grace.asked > 2);
    grace.refused = true;
    turn_until_refused();
    assert_left_half_is_untouched();
    grace.refused = false;
    turn_often();
}

static unsigned joined;

static void let_lookups_end(void)
{
    assert_left_half_is_untouched();
    joined++;
    sem_post(&grace.over);
}

static void test_a_late_end_of_lookups_is_waited_for(void **state)
{
    grace.late = true;
    grace.joining = let_lookups_end;
    joined = 0;
    turn_often();
    assert_true(joined > 2);
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, begin, end)
#define SHARED(name) cmocka_unit_test_setup_teardown(name, begin_shared, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_memory_the_old_policy_stays),
        TEST(test_a_refused_filter_takes_the_whole_change_back),
        TEST(test_what_does_not_fit_the_reserve_leaves_the_old_policy),
        SHARED(test_no_half_is_reused_while_lookups_may_read_it),
        SHARED(test_without_a_thread_the_change_waits_itself),
        SHARED(test_a_late_end_of_lookups_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
