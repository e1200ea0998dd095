/* Sessions and transactions as clients meet them (rules 9.x, 8.1). */
#include "place.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const GUID key_a = {0xaaaaaaaa, 1, 1, {1}};
static const GUID key_b = {0xbbbbbbbb, 1, 1, {1}};

/* Runs the function in a child that is killed with -9 as soon as it says it is ready. */
static void run_and_kill(void (*function)(void))
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        function();
        (void)!write(ready[1], "r", 1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
}

/* What a dead client leaves behind is cleared when bfe notices its death. */
static bool soon_gone(HANDLE engine, const GUID *key)
{
    for (int i = 0; i < 500 && has_filter(engine, key); i++)
        usleep(10000);
    return !has_filter(engine, key);
}

static void test_9_1_close_removes_dynamic_objects(void **state)
{
    HANDLE watcher = engine_open(0), engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);

    assert_ok(add_filter(engine, 1, 0, &key_a, NULL));
    assert_true(has_filter(watcher, &key_a));
    assert_ok(FwpmEngineClose0(engine));
    assert_false(has_filter(watcher, &key_a));
    FwpmEngineClose0(watcher);
}

static void dynamic_client(void)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);

    assert_ok(add_filter(engine, 1, 0, &key_a, NULL));
}

static void test_8_1_killed_client_loses_its_dynamic_objects(void **state)
{
    HANDLE watcher = engine_open(0);

    run_and_kill(dynamic_client);
    assert_true(soon_gone(watcher, &key_a));
    FwpmEngineClose0(watcher);
}

static void client_in_transaction(void)
{
    HANDLE engine = engine_open(0);

    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(add_filter(engine, 1, 0, &key_a, NULL));
}

static void test_9_1_killed_client_in_a_transaction_is_rolled_back(void **state)
{
    HANDLE engine = engine_open(0);

    run_and_kill(client_in_transaction);
    /* Waits for the lock if need be, and gets it. */
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_false(has_filter(engine, &key_a));
    assert_ok(FwpmTransactionAbort0(engine));
    FwpmEngineClose0(engine);
}

static void test_9_7_others_see_nothing_before_commit(void **state)
{
    HANDLE watcher = engine_open(0), engine = engine_open(0);

    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(add_filter(engine, 1, 0, &key_a, NULL));
    assert_true(has_filter(engine, &key_a));
    assert_false(has_filter(watcher, &key_a));
    assert_ok(FwpmTransactionCommit0(engine));
    assert_true(has_filter(watcher, &key_a));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_a));
    FwpmEngineClose0(engine);
    FwpmEngineClose0(watcher);
}

static void test_9_4_writer_times_out(void **state)
{
    HANDLE holder = engine_open(0), writer = engine_open_waiting(0, 50);

    assert_ok(FwpmTransactionBegin0(holder, 0));
    assert_int_equal(FwpmTransactionBegin0(writer, 0), FWP_E_TIMEOUT);
    assert_int_equal(add_filter(writer, 1, 0, &key_a, NULL), FWP_E_TIMEOUT);
    assert_ok(FwpmTransactionCommit0(holder));
    assert_ok(FwpmTransactionBegin0(writer, 0));
    FwpmEngineClose0(writer);
    FwpmEngineClose0(holder);
}

/* ---- parked writers ---- */

#define WRITERS 8

static unsigned order[WRITERS], arrived;
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

static void *write_in_turn(void *number)
{
    HANDLE engine = engine_open_waiting(0, INFINITE);

    if (FwpmTransactionBegin0(engine, 0) == ERROR_SUCCESS) {
        pthread_mutex_lock(&order_lock);
        order[arrived++] = (unsigned)(uintptr_t)number;
        pthread_mutex_unlock(&order_lock);
        FwpmTransactionCommit0(engine);
    }
    FwpmEngineClose0(engine);
    return NULL;
}

static void test_9_4_parked_writers_all_get_the_lock(void **state)
{
    HANDLE holder = engine_open(0);
    pthread_t threads[WRITERS];

    arrived = 0;
    assert_ok(FwpmTransactionBegin0(holder, 0));
    for (uintptr_t i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_in_turn, (void *)i);
    usleep(200000);
    assert_int_equal(arrived, 0);
    assert_ok(FwpmTransactionCommit0(holder));
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(arrived, WRITERS);
    FwpmEngineClose0(holder);
}

static void park_and_die(void)
{
    HANDLE engine = engine_open_waiting(0, INFINITE);

    alarm(1);
    FwpmTransactionBegin0(engine, 0);
}

static int parked_client(void *ctx)
{
    park_and_die();
    return 0;
}

static void test_9_4_parked_client_dies_and_blocks_nobody(void **state)
{
    HANDLE holder = engine_open(0), writer = engine_open(0);

    assert_ok(FwpmTransactionBegin0(holder, 0));
    assert_int_equal(run_as(0, parked_client, NULL), 100 + SIGALRM);
    assert_ok(FwpmTransactionCommit0(holder));
    assert_ok(FwpmTransactionBegin0(writer, 0));
    FwpmEngineClose0(writer);
    FwpmEngineClose0(holder);
}

static void test_9_2_transaction_states(void **state)
{
    HANDLE engine = engine_open(0);

    assert_int_equal(FwpmTransactionCommit0(engine), FWP_E_NO_TXN_IN_PROGRESS);
    assert_int_equal(FwpmTransactionAbort0(engine), FWP_E_NO_TXN_IN_PROGRESS);
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_int_equal(FwpmTransactionBegin0(engine, 0), FWP_E_TXN_IN_PROGRESS);
    assert_ok(FwpmTransactionAbort0(engine));
    FwpmEngineClose0(engine);
}

static void test_9_10_handles_are_dead_after_a_restart(void **state)
{
    HANDLE engine = engine_open(0);

    bfe_kill();
    bfe_start();
    assert_int_equal(add_filter(engine, 1, 0, &key_b, NULL), FWP_E_SESSION_ABORTED);
    assert_ok(FwpmEngineClose0(engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_9_1_close_removes_dynamic_objects),
        cmocka_unit_test(test_8_1_killed_client_loses_its_dynamic_objects),
        cmocka_unit_test(test_9_1_killed_client_in_a_transaction_is_rolled_back),
        cmocka_unit_test(test_9_7_others_see_nothing_before_commit),
        cmocka_unit_test(test_9_4_writer_times_out),
        cmocka_unit_test(test_9_4_parked_writers_all_get_the_lock),
        cmocka_unit_test(test_9_4_parked_client_dies_and_blocks_nobody),
        cmocka_unit_test(test_9_2_transaction_states),
        cmocka_unit_test(test_9_10_handles_are_dead_after_a_restart),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
