/* The policy journal torn at every byte: what comes back is what some commit had left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

#define COMMITS 6

static char *whole;
static size_t whole_size;

/*
 * Commit n takes out filters 2n - 2 and 2n - 1 and puts in 2n and 2n + 1: a policy that holds
 * half of a commit has a number of filters other than two, or two that don't belong together.
 */
static void commit(struct base *base, unsigned n)
{
    assert_int_equal(model_txn_begin(base->session, 0, NULL), ERROR_SUCCESS);
    for (unsigned i = 2 * n - 2; n > 1 && i < 2 * n; i++)
        base_delete(base, i);
    base_add(base, 2 * n, 0);
    base_add(base, 2 * n + 1, 0);
    assert_int_equal(model_txn_commit(base->session, NULL), ERROR_SUCCESS);
    store_flush(&base->store);
}

/* The commit whose policy this is; 0: the empty policy. */
static unsigned which_commit(struct base *base)
{
    size_t count = model_count(base->model, MODEL_FILTER);

    if (!count)
        return 0;
    assert_int_equal(count, 2);
    for (unsigned n = 1; n <= COMMITS; n++)
        if (base_has(base, 2 * n) && base_has(base, 2 * n + 1))
            return n;
    fail_msg("the policy is none that was ever committed");
    return 0;
}

static void write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(base_journal, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void read_whole(void)
{
    FILE *file = fopen(base_journal, "r");
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

    base_forget();
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
        base_add(base, i, 0);
    assert_int_equal(model_txn_commit(base->session, NULL), ERROR_SUCCESS);
    store_flush(&base->store);
}

static void test_long_commit_is_whole_or_not_there(void **state)
{
    struct base base;
    struct stat st;

    for (int torn = 0; torn < 2; torn++) {
        base_forget();
        assert_int_equal(base_open(&base), 0);
        commit_many(&base);
        base_close(&base);
        assert_int_equal(stat(base_journal, &st), 0);
        assert_int_equal(truncate(base_journal, st.st_size - torn), 0);
        assert_int_equal(base_open(&base), 0);
        assert_int_equal(model_count(base.model, MODEL_FILTER), torn ? 0 : MANY);
        base_close(&base);
    }
}

static void test_journal_grows_with_the_policy_not_with_its_history(void **state)
{
    struct base base;
    struct stat st, later;

    base_forget();
    assert_int_equal(base_open(&base), 0);
    commit_many(&base);
    assert_int_equal(stat(base_journal, &st), 0);
    for (unsigned i = 0; i < 5 * MANY; i++) {
        base_delete(&base, i % MANY);
        base_add(&base, i % MANY, 0);
        store_flush(&base.store);
    }
    assert_int_equal(stat(base_journal, &later), 0);
    assert_true(later.st_size < 2 * st.st_size + (2 << 20));
    base_close(&base);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(model_count(base.model, MODEL_FILTER), MANY);
    base_close(&base);
}

static void test_unwritable_journal_is_caught_up_later(void **state)
{
    char away[80];
    struct base base;
    int fd;

    snprintf(away, sizeof(away), "%s-away", base_directory);
    base_forget();
    assert_int_equal(base_open(&base), 0);
    commit(&base, 1);
    fd = base.store.journal.fd;
    base.store.journal.fd = -1;
    assert_int_equal(rename(base_directory, away), 0);
    commit(&base, 2);
    assert_true(base.store.failed);
    assert_int_equal(rename(away, base_directory), 0);
    base.store.journal.fd = fd;
    commit(&base, 3);
    assert_false(base.store.failed);
    base_close(&base);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(which_commit(&base), 3);
    base_close(&base);
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
    return cmocka_run_group_tests(tests, base_setup, base_teardown);
}
