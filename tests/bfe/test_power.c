/* The power goes at any moment: what is persistent is the policy before a commit or after it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "recorder.h"

#define COMMITS 7
#define SET     1000u /* room for numbers of one commit's filters */

/* Commit n deletes the filters of commit n - 1 and adds so many of its own. */
static const unsigned sizes[COMMITS + 1] = {0, 1, 3, 400, 2, 60, 1, 30};

static UINT32 flags_of(unsigned i)
{
    return i % 2 ? FWPM_FILTER_FLAG_BOOTTIME : FWPM_FILTER_FLAG_PERSISTENT;
}

/* A static filter goes with each, which a restart of the machine forgets. */
static uint32_t commit(struct base *base, unsigned n)
{
    assert_int_equal(model_txn_begin(base->session, 0, NULL), ERROR_SUCCESS);
    for (unsigned i = 0; n && i < sizes[n - 1]; i++)
        base_delete(base, (n - 1) * SET + i);
    if (n > 1)
        base_delete(base, (n - 1) * SET + SET - 1);
    for (unsigned i = 0; i < sizes[n]; i++)
        base_add(base, n * SET + i, flags_of(i));
    base_add(base, n * SET + SET - 1, 0);
    return model_txn_commit(base->session, NULL);
}

static bool is_policy_of(struct base *base, unsigned n)
{
    for (unsigned i = 0; i < sizes[n]; i++)
        if (!base_has(base, n * SET + i))
            return false;
    return true;
}

/* The commit whose policy this is, `statics` of them being static. */
static unsigned which_commit(struct base *base, size_t statics)
{
    size_t count = model_count(base->model, MODEL_FILTER) - statics;

    for (unsigned n = 0; n <= COMMITS; n++)
        if (count == sizes[n] && is_policy_of(base, n))
            return n;
    fail_msg("%zu filters: the policy of no commit", count);
    return 0;
}

static unsigned policy_after_reboot(void)
{
    struct base base;
    unsigned n;

    base_reboot();
    assert_int_equal(base_open(&base), 0);
    assert_false(base.store.damaged);
    n = which_commit(&base, 0);
    base_close(&base);
    return n;
}

/* Where in the recording each commit was answered. */
static void record_commits(size_t *answered)
{
    struct base base;

    base_forget();
    assert_int_equal(base_open(&base), 0);
    recorder_start();
    answered[0] = 0;
    for (unsigned n = 1; n <= COMMITS; n++) {
        assert_int_equal(commit(&base, n), ERROR_SUCCESS);
        store_flush(&base.store);
        answered[n] = recorder_count();
        assert_true(answered[n] > answered[n - 1]);
    }
    recorder_stop();
    base_close(&base);
}

static void test_power_cut_at_every_write(void **state)
{
    size_t answered[COMMITS + 1];
    unsigned before = 0, now;

    record_commits(answered);
    for (size_t cut = 0; cut <= answered[COMMITS]; cut++) {
        while (before < COMMITS && answered[before + 1] <= cut)
            before++;
        for (int loss = 0; loss < RECORDER_LOSSES; loss++) {
            recorder_cut(cut, loss, (unsigned)cut);
            now = policy_after_reboot();
            if (cut == answered[before])
                assert_int_equal(now, before);
            else
                assert_true(now == before || now == before + 1);
        }
    }
    assert_int_equal(before, COMMITS);
    recorder_free();
}

/* The disk fails from some write on: the call fails, nothing changes, and later it goes on. */
static void test_failing_disk_refuses_and_changes_nothing(void **state)
{
    struct base base;
    uint32_t code = ERROR_WRITE_FAULT;
    size_t first;

    for (first = 1; code != ERROR_SUCCESS; first++) {
        base_forget();
        assert_int_equal(base_open(&base), 0);
        assert_int_equal(commit(&base, 1), ERROR_SUCCESS);
        store_flush(&base.store);
        recorder_fail_from(first);
        code = commit(&base, 2);
        recorder_fail_from(0);
        assert_true(code == ERROR_SUCCESS || code == ERROR_WRITE_FAULT);
        assert_int_equal(which_commit(&base, 1), code == ERROR_SUCCESS ? 2 : 1);
        if (code != ERROR_SUCCESS)
            assert_int_equal(commit(&base, 2), ERROR_SUCCESS);
        store_flush(&base.store);
        base_close(&base);
        assert_int_equal(policy_after_reboot(), 2);
    }
    assert_true(first > 5);
}

/* The kernel refuses after the database has it. */
static void test_refused_by_the_kernel_is_taken_back(void **state)
{
    struct base base;

    base_forget();
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(commit(&base, 1), ERROR_SUCCESS);
    base.kernel_answers = ERROR_GEN_FAILURE;
    assert_int_equal(commit(&base, 2), ERROR_GEN_FAILURE);
    base.kernel_answers = ERROR_SUCCESS;
    assert_int_equal(which_commit(&base, 1), 1);
    base_close(&base);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(which_commit(&base, 1), 1);
    base_close(&base);
    assert_int_equal(policy_after_reboot(), 1);
}

static void commit_and_die(size_t write)
{
    struct base base;

    if (base_open(&base) || commit(&base, 1) != ERROR_SUCCESS)
        _exit(1);
    store_flush(&base.store);
    recorder_die_at(write);
    if (commit(&base, 2) != ERROR_SUCCESS)
        _exit(1);
    store_flush(&base.store);
    _exit(0);
}

/* bfe is killed in the middle of a commit: with journal and database the next one has all of it,
 * also what is static, or nothing. */
static void test_killed_at_every_write_journal_and_database_agree(void **state)
{
    int status = RECORDER_DIED << 8;
    struct base base;
    unsigned now = 0;
    size_t write;
    pid_t child;

    for (write = 1; status != 0; write++) {
        base_forget();
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            commit_and_die(write);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(status == 0 || WEXITSTATUS(status) == RECORDER_DIED);
        assert_int_equal(base_open(&base), 0);
        now = which_commit(&base, 1);
        assert_true(now == 1 || now == 2);
        assert_true(base_has(&base, now * SET + SET - 1));
        base_close(&base);
        assert_int_equal(policy_after_reboot(), now);
    }
    assert_int_equal(now, 2);
    assert_true(write > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cut_at_every_write),
        cmocka_unit_test(test_failing_disk_refuses_and_changes_nothing),
        cmocka_unit_test(test_refused_by_the_kernel_is_taken_back),
        cmocka_unit_test(test_killed_at_every_write_journal_and_database_agree),
    };

    if (!freopen("/dev/null", "w", stderr) || base_setup(NULL))
        return 1;
    recorder_install(base_database);
    return cmocka_run_group_tests(tests, NULL, base_teardown);
}
