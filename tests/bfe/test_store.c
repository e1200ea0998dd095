/* The policy journal torn at every byte: what comes back is what some commit had left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bfe/driver.h"
#include "bfe/engine.h"
#include "bfe/store.h"

#define COMMITS 6

/* A model with its store, as the service has them. */
struct base {
    struct model *model;
    struct engine engine;
    struct drivers drivers;
    struct store store;
    struct model_session *session;
};

static char directory[] = "/tmp/bfe-store-XXXXXX";
static char path[64];
static char *whole;
static size_t whole_size;

static void on_changed(void *ctx, struct model_session *subscriber, uint64_t subscription,
                       const struct model_change *changes, size_t count)
{
    struct base *base = ctx;

    store_changed(&base->store, changes, count);
}

static int base_open(struct base *base)
{
    const struct model_caller root = {.privileged = true};
    const struct model_hooks hooks = {.ctx = base, .changed = on_changed};
    int code;

    *base = (struct base){0};
    base->model = model_new(&hooks);
    assert_non_null(base->model);
    base->engine.model = base->model;
    code = store_open(&base->store, base->model, &base->engine, &base->drivers, path);
    if (!code)
        assert_int_equal(model_session_open(base->model, NULL, &root, NULL, &base->session, NULL),
                         ERROR_SUCCESS);
    return code;
}

static void base_close(struct base *base)
{
    if (base->session)
        model_session_close(base->session);
    store_close(&base->store);
    model_free(base->model);
}

static GUID key_of(unsigned number)
{
    return (GUID){0x7e570000u + number, 1, 1, {1}};
}

static void add_filter(struct base *base, unsigned number)
{
    WCHAR name[] = u"filter";
    FWPM_FILTER0 filter = {
        .filterKey = key_of(number),
        .displayData.name = name,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action.type = FWP_ACTION_BLOCK,
    };
    struct model_error error;

    assert_int_equal(model_filter_add(base->session, &filter, NULL, NULL, NULL, &error),
                     ERROR_SUCCESS);
}

/*
 * Commit n takes out filters 2n - 2 and 2n - 1 and puts in 2n and 2n + 1: a policy that holds
 * half of a commit has a number of filters other than two, or two that don't belong together.
 */
static void commit(struct base *base, unsigned n)
{
    GUID old;

    assert_int_equal(model_txn_begin(base->session, 0, NULL), ERROR_SUCCESS);
    for (unsigned i = 2 * n - 2; n > 1 && i < 2 * n; i++) {
        old = key_of(i);
        assert_int_equal(model_delete_by_key(base->session, MODEL_FILTER, &old, NULL),
                         ERROR_SUCCESS);
    }
    add_filter(base, 2 * n);
    add_filter(base, 2 * n + 1);
    assert_int_equal(model_txn_commit(base->session, NULL), ERROR_SUCCESS);
    store_flush(&base->store);
}

static bool has(struct base *base, unsigned number)
{
    const GUID key = key_of(number);
    struct model_object object;

    return model_get_by_key(base->session, MODEL_FILTER, &key, &object, NULL) == ERROR_SUCCESS;
}

/* The commit whose policy this is; 0: the empty policy. */
static unsigned which_commit(struct base *base)
{
    size_t count = model_count(base->model, MODEL_FILTER);

    if (!count)
        return 0;
    assert_int_equal(count, 2);
    for (unsigned n = 1; n <= COMMITS; n++)
        if (has(base, 2 * n) && has(base, 2 * n + 1))
            return n;
    fail_msg("the policy is none that was ever committed");
    return 0;
}

static void write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void read_whole(void)
{
    FILE *file = fopen(path, "r");
    struct stat st;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    whole_size = (size_t)st.st_size;
    whole = malloc(whole_size);
    assert_non_null(whole);
    assert_int_equal(fread(whole, 1, whole_size, file), whole_size);
    fclose(file);
}

static void make_journal(void)
{
    struct base base;

    unlink(path);
    assert_int_equal(base_open(&base), 0);
    for (unsigned n = 1; n <= COMMITS; n++)
        commit(&base, n);
    read_whole();
    base_close(&base);
}

static void test_torn_at_every_byte_is_some_commit(void **state)
{
    struct base base;
    unsigned last = 0, now;

    make_journal();
    for (size_t size = 0; size <= whole_size; size++) {
        write_file(whole, size);
        assert_int_equal(base_open(&base), 0);
        now = which_commit(&base);
        assert_true(now == last || now == last + 1);
        last = now;
        base_close(&base);
    }
    assert_int_equal(last, COMMITS);
    free(whole);
}

/* A wrong bit ends the journal there or, in the magic, has it refused: never another policy. */
static void test_flipped_bits_never_make_another_policy(void **state)
{
    struct base base;
    int code;

    make_journal();
    for (size_t at = 0; at < whole_size; at += 7) {
        whole[at] ^= 0x10;
        write_file(whole, whole_size);
        whole[at] ^= 0x10;
        code = base_open(&base);
        if (!code)
            assert_in_range(which_commit(&base), 0, COMMITS);
        base_close(&base);
    }
    free(whole);
}

static void test_rewrite_keeps_the_policy(void **state)
{
    struct base base;

    make_journal();
    free(whole);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(base_open(&base), 0);
        assert_int_equal(which_commit(&base), COMMITS);
        base_close(&base);
    }
}

#define MANY 4000u /* too long for one write */

static void commit_many(struct base *base)
{
    assert_int_equal(model_txn_begin(base->session, 0, NULL), ERROR_SUCCESS);
    for (unsigned i = 0; i < MANY; i++)
        add_filter(base, i);
    assert_int_equal(model_txn_commit(base->session, NULL), ERROR_SUCCESS);
    store_flush(&base->store);
}

static void test_long_commit_is_whole_or_not_there(void **state)
{
    struct base base;
    struct stat st;

    for (int torn = 0; torn < 2; torn++) {
        unlink(path);
        assert_int_equal(base_open(&base), 0);
        commit_many(&base);
        base_close(&base);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size - torn), 0);
        assert_int_equal(base_open(&base), 0);
        assert_int_equal(model_count(base.model, MODEL_FILTER), torn ? 0 : MANY);
        base_close(&base);
    }
}

static void test_journal_grows_with_the_policy_not_with_its_history(void **state)
{
    struct base base;
    struct stat st, later;

    unlink(path);
    assert_int_equal(base_open(&base), 0);
    commit_many(&base);
    assert_int_equal(stat(path, &st), 0);
    for (unsigned i = 0; i < 5 * MANY; i++) {
        GUID key = key_of(i % MANY);

        assert_int_equal(model_delete_by_key(base.session, MODEL_FILTER, &key, NULL),
                         ERROR_SUCCESS);
        add_filter(&base, i % MANY);
        store_flush(&base.store);
    }
    assert_int_equal(stat(path, &later), 0);
    assert_true(later.st_size < 2 * st.st_size + (2 << 20));
    base_close(&base);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(model_count(base.model, MODEL_FILTER), MANY);
    base_close(&base);
}

static void test_unwritable_journal_is_caught_up_later(void **state)
{
    char away[64];
    struct base base;
    int fd;

    snprintf(away, sizeof(away), "%s-away", directory);
    unlink(path);
    assert_int_equal(base_open(&base), 0);
    commit(&base, 1);
    fd = base.store.journal.fd;
    base.store.journal.fd = -1;
    assert_int_equal(rename(directory, away), 0);
    commit(&base, 2);
    assert_true(base.store.failed);
    assert_int_equal(rename(away, directory), 0);
    base.store.journal.fd = fd;
    commit(&base, 3);
    assert_false(base.store.failed);
    base_close(&base);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(which_commit(&base), 3);
    base_close(&base);
}

static int make_directory(void **state)
{
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/policy", directory);
    return 0;
}

static int remove_directory(void **state)
{
    unlink(path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torn_at_every_byte_is_some_commit),
        cmocka_unit_test(test_flipped_bits_never_make_another_policy),
        cmocka_unit_test(test_rewrite_keeps_the_policy),
        cmocka_unit_test(test_long_commit_is_whole_or_not_there),
        cmocka_unit_test(test_journal_grows_with_the_policy_not_with_its_history),
        cmocka_unit_test(test_unwritable_journal_is_caught_up_later),
    };

    /* Each opening of a torn journal is logged; here that is noise. */
    if (!freopen("/dev/null", "w", stderr))
        return 1;
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
