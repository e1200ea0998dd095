/* One handle and many threads; many handles; callbacks while others change the policy. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"

#define THREADS 8
#define ROUNDS  200

struct worker {
    pthread_t thread;
    HANDLE engine;
    UINT16 port;
    DWORD failed;
};

static void *add_and_delete(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < ROUNDS && !worker->failed; i++) {
        UINT64 id;

        worker->failed = add_filter(worker->engine, worker->port, 0, NULL, &id);
        if (!worker->failed)
            worker->failed = FwpmFilterDeleteById0(worker->engine, id);
    }
    return NULL;
}

static void run_workers(HANDLE shared)
{
    struct worker workers[THREADS] = {0};

    for (int i = 0; i < THREADS; i++) {
        workers[i].engine = shared ? shared : engine_open(FWPM_SESSION_FLAG_DYNAMIC);
        workers[i].port = (UINT16)(1 + i);
        pthread_create(&workers[i].thread, NULL, add_and_delete, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failed, ERROR_SUCCESS);
        if (!shared)
            assert_ok(FwpmEngineClose0(workers[i].engine));
    }
}

static void test_one_handle_of_many_threads(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);

    run_workers(engine);
    assert_int_equal(count_filters(engine), 0);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_a_handle_for_each_thread(void **state)
{
    run_workers(NULL);
}

struct counts {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int added, deleted;
};

static void on_change(void *context, const FWPM_FILTER_CHANGE0 *change)
{
    struct counts *counts = context;

    pthread_mutex_lock(&counts->lock);
    if (change->changeType == FWPM_CHANGE_ADD)
        counts->added++;
    else
        counts->deleted++;
    pthread_cond_broadcast(&counts->changed);
    pthread_mutex_unlock(&counts->lock);
}

static HANDLE subscribe_all(HANDLE engine, struct counts *counts)
{
    FWPM_FILTER_SUBSCRIPTION0 subscription = {.flags = FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD |
                                                       FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE};
    HANDLE handle = NULL;

    pthread_mutex_init(&counts->lock, NULL);
    pthread_cond_init(&counts->changed, NULL);
    assert_ok(FwpmFilterSubscribeChanges0(engine, &subscription, on_change, counts, &handle));
    return handle;
}

static void test_12_1_changes_of_others_are_told_after_commit(void **state)
{
    HANDLE watcher = engine_open(0), writer = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle;
    struct counts counts = {0};

    handle = subscribe_all(watcher, &counts);
    assert_ok(FwpmTransactionBegin0(writer, 0));
    for (UINT16 port = 1; port <= 10; port++)
        assert_ok(add_filter(writer, port, 0, NULL, NULL));
    assert_int_equal(counts.added, 0);
    assert_ok(FwpmTransactionCommit0(writer));
    assert_ok(FwpmEngineClose0(writer)); /* its dynamic filters fall */
    pthread_mutex_lock(&counts.lock);
    while (counts.deleted < 10)
        pthread_cond_wait(&counts.changed, &counts.lock);
    assert_int_equal(counts.added, 10);
    pthread_mutex_unlock(&counts.lock);
    assert_ok(FwpmFilterUnsubscribeChanges0(watcher, handle));
    assert_ok(FwpmEngineClose0(watcher));
}

static void test_12_1_own_changes_are_not_told(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), other, handle;
    struct counts counts = {0};

    handle = subscribe_all(engine, &counts);
    assert_ok(add_filter(engine, 1, 0, NULL, NULL));
    other = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    assert_ok(add_filter(other, 2, 0, NULL, NULL));
    pthread_mutex_lock(&counts.lock);
    while (counts.added < 1)
        pthread_cond_wait(&counts.changed, &counts.lock);
    pthread_mutex_unlock(&counts.lock);
    assert_int_equal(counts.added, 1);
    assert_ok(FwpmFilterUnsubscribeChanges0(engine, handle));
    assert_ok(FwpmEngineClose0(other));
    assert_ok(FwpmEngineClose0(engine));
}

static void test_handles_that_come_and_go_with_subscriptions(void **state)
{
    for (int i = 0; i < 100; i++) {
        HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
        struct counts counts = {0};

        subscribe_all(engine, &counts);
        assert_ok(FwpmEngineClose0(engine)); /* subscriptions end with the session (12.2) */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_handle_of_many_threads),
        cmocka_unit_test(test_a_handle_for_each_thread),
        cmocka_unit_test(test_12_1_changes_of_others_are_told_after_commit),
        cmocka_unit_test(test_12_1_own_changes_are_not_told),
        cmocka_unit_test(test_handles_that_come_and_go_with_subscriptions),
    };

    alarm(200);
    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
