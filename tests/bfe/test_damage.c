/* Stores that are damaged, foreign, from the future, full, or somebody else's. */
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "bfe/store_file.h"

#define FILTERS 40u

static uint8_t whole[1 << 20];
static size_t whole_size;

/* ---- a good store, and what is done to it ---- */

static void read_store(void)
{
    FILE *file = fopen(base_database, "r");

    assert_non_null(file);
    whole_size = fread(whole, 1, sizeof(whole), file);
    assert_in_range(whole_size, 4096, sizeof(whole) - 1);
    fclose(file);
}

static void write_store(const void *bytes, size_t size)
{
    int fd;

    base_forget();
    fd = open(base_database, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void fill(struct base *base)
{
    assert_int_equal(model_txn_begin(base->session, 0, NULL), ERROR_SUCCESS);
    for (unsigned i = 0; i < FILTERS; i++)
        base_add(base, i, FWPM_FILTER_FLAG_PERSISTENT);
    assert_int_equal(model_txn_commit(base->session, NULL), ERROR_SUCCESS);
    store_flush(&base->store);
}

static void make_store(void)
{
    struct base base;

    base_forget();
    assert_int_equal(base_open(&base), 0);
    fill(&base);
    base_close(&base);
    read_store();
}

static void change_store(const char *sql)
{
    sqlite3 *db = NULL;

    make_store();
    assert_int_equal(sqlite3_open(base_database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- what is expected ---- */

static bool is_whole(struct base *base)
{
    if (model_count(base->model, MODEL_FILTER) != FILTERS)
        return false;
    for (unsigned i = 0; i < FILTERS; i++)
        if (!base_has(base, i))
            return false;
    return true;
}

/* Empty and marked; also at the next start, until the damaged file is taken away. */
static void expect_damaged(void)
{
    struct base base;

    base_reboot();
    for (int start = 0; start < 2; start++) {
        assert_int_equal(base_open(&base), 0);
        assert_true(base.store.damaged);
        assert_int_equal(model_count(base.model, MODEL_FILTER), 0);
        base_close(&base);
    }
    assert_int_equal(base_open(&base), 0);
    fill(&base);
    base_close(&base);
    base_reboot();
    assert_int_equal(base_open(&base), 0);
    assert_true(base.store.damaged);
    assert_true(is_whole(&base));
    base_close(&base);
}

static void expect_refused_and_left_alone(void)
{
    struct stat before, after;
    struct base base;

    base_reboot();
    assert_int_equal(lstat(base_database, &before), 0);
    assert_true(base_open(&base) < 0);
    base_close(&base);
    assert_int_equal(lstat(base_database, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_size, after.st_size);
    assert_false(store_file_damaged(base_database));
}

/* ---- damage ---- */

static void test_what_is_no_database_is_kept_aside(void **state)
{
    static const char text[] = "this is not a database, and it is longer than a database's header"
                               "; it goes on for a while so that nothing can be read from it ....";

    write_store(text, sizeof(text));
    expect_damaged();
    write_store("", 0);
    expect_damaged();
    change_store("PRAGMA application_id=1");
    expect_damaged();
    change_store("DROP TABLE last");
    expect_damaged();
    change_store("DELETE FROM last");
    expect_damaged();
}

static void test_rows_that_are_no_entries_are_damage(void **state)
{
    change_store("UPDATE entry SET bytes=x'00' WHERE place=15");
    expect_damaged();
    change_store("UPDATE entry SET crc=crc+1 WHERE place=15");
    expect_damaged();
    change_store("UPDATE entry SET key=x'0102' WHERE place=15");
    expect_damaged();
    change_store("UPDATE entry SET bytes=NULL WHERE 0; UPDATE entry SET kind=7 WHERE place=15");
    expect_damaged();
}

static void test_cut_short_is_damage(void **state)
{
    struct base base;

    make_store();
    for (size_t size = 0; size < whole_size; size += 1031) {
        write_store(whole, size);
        assert_int_equal(base_open(&base), 0);
        assert_true(base.store.damaged);
        assert_int_equal(model_count(base.model, MODEL_FILTER), 0);
        base_close(&base);
    }
}

/* A wrong bit is found, or stands where nothing is: it never makes another policy. */
static void test_flipped_bits_never_make_another_policy(void **state)
{
    struct base base;
    unsigned found = 0;
    int code;

    make_store();
    for (size_t at = 0; at < whole_size; at += at < 200 ? 1 : 61) {
        whole[at] ^= 0x10;
        write_store(whole, whole_size);
        whole[at] ^= 0x10;
        code = base_open(&base);
        if (!code && base.store.damaged)
            assert_int_equal(model_count(base.model, MODEL_FILTER), 0);
        else if (!code)
            assert_true(is_whole(&base));
        found += code || base.store.damaged;
        base_close(&base);
    }
    assert_true(found > 20);
}

/* Each row is whole, but a filter's sublayer is not there. */
static void test_objects_that_do_not_fit_together_are_damage(void **state)
{
    WCHAR name[] = u"sublayer";
    const FWPM_SUBLAYER0 sublayer = {.subLayerKey = {0x5b, 1, 1, {1}},
                                     .displayData.name = name,
                                     .flags = FWPM_SUBLAYER_FLAG_PERSISTENT};
    FWPM_FILTER0 filter = {.displayData.name = name,
                           .flags = FWPM_FILTER_FLAG_PERSISTENT,
                           .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                           .subLayerKey = sublayer.subLayerKey,
                           .action.type = FWP_ACTION_BLOCK};
    struct base base;
    sqlite3 *db = NULL;

    base_forget();
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(model_sublayer_add(base.session, &sublayer, NULL, NULL, NULL), ERROR_SUCCESS);
    assert_int_equal(model_filter_add(base.session, &filter, NULL, NULL, NULL, NULL),
                     ERROR_SUCCESS);
    base_close(&base);
    assert_int_equal(sqlite3_open(base_database, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DELETE FROM entry WHERE class=0 AND kind=1", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    expect_damaged();
}

/* In the boot in which it is damaged, the journal has all that was in it. */
static void test_damaged_beside_a_journal_is_mended(void **state)
{
    struct base base;
    int fd;

    make_store();
    fd = open(base_database, O_WRONLY);
    assert_true(pwrite(fd, "garbage", 7, 0) == 7);
    close(fd);
    for (int boot = 0; boot < 2; boot++) {
        assert_int_equal(base_open(&base), 0);
        assert_false(base.store.damaged);
        assert_true(is_whole(&base));
        base_close(&base);
        base_reboot();
    }
}

static void test_deleted_beside_a_journal_is_made_anew(void **state)
{
    struct base base;

    make_store();
    unlink(base_database);
    for (int boot = 0; boot < 2; boot++) {
        assert_int_equal(base_open(&base), 0);
        assert_true(is_whole(&base));
        base_close(&base);
        base_reboot();
    }
}

/* A copy put back while bfe was away: it says what is persistent, not the journal. */
static void test_restored_copy_counts(void **state)
{
    struct base base;
    int fd;

    make_store();
    assert_int_equal(base_open(&base), 0);
    base_delete(&base, 0);
    base_add(&base, 100, 0);
    store_flush(&base.store);
    base_close(&base);
    fd = open(base_database, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, whole, whole_size), whole_size);
    close(fd);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(model_count(base.model, MODEL_FILTER), FILTERS + 1);
    assert_true(base_has(&base, 0) && base_has(&base, 100));
    base_close(&base);
}

/* ---- not ours to touch ---- */

static void test_newer_schema_is_refused(void **state)
{
    change_store("PRAGMA user_version=2");
    expect_refused_and_left_alone();
}

static void test_what_others_can_change_is_refused(void **state)
{
    char target[96];

    make_store();
    assert_int_equal(chmod(base_database, 0620), 0);
    expect_refused_and_left_alone();
    assert_int_equal(chmod(base_database, 0602), 0);
    expect_refused_and_left_alone();
    assert_int_equal(chmod(base_database, 0600), 0);
    assert_int_equal(chmod(base_directory, 0777), 0);
    expect_refused_and_left_alone();
    assert_int_equal(chmod(base_directory, 0700), 0);
    snprintf(target, sizeof(target), "%s/target", base_directory);
    assert_int_equal(rename(base_database, target), 0);
    assert_int_equal(symlink(target, base_database), 0);
    expect_refused_and_left_alone();
    unlink(base_database);
    assert_int_equal(mkfifo(base_database, 0600), 0);
    expect_refused_and_left_alone();
    if (geteuid() != 0)
        return;
    make_store();
    assert_int_equal(chown(base_database, 12345, 0), 0);
    expect_refused_and_left_alone();
}

static void test_one_process_at_a_time(void **state)
{
    struct base first, second;
    char journal[sizeof(base_journal)];
    int code, status = 0;
    pid_t child;

    make_store();
    assert_int_equal(base_open(&first), 0);
    child = fork();
    if (child == 0) {
        memcpy(journal, base_journal, sizeof(journal));
        snprintf(base_journal, sizeof(base_journal), "%s/other", base_directory);
        code = base_open(&second);
        _exit(code < 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    base_close(&first);
}

/* ---- a disk that is full or read-only ---- */

static uint32_t add_many(struct base *base, unsigned first, UINT32 flags)
{
    assert_int_equal(model_txn_begin(base->session, 0, NULL), ERROR_SUCCESS);
    for (unsigned i = 0; i < 1000; i++)
        base_add(base, first + i, flags);
    return model_txn_commit(base->session, NULL);
}

static void fill_disk(struct base *base)
{
    uint32_t code = ERROR_SUCCESS;
    unsigned filled = 0;

    while (code == ERROR_SUCCESS && filled < 100) {
        code = add_many(base, 1000 * ++filled, FWPM_FILTER_FLAG_PERSISTENT);
        store_flush(&base->store);
    }
    assert_int_equal(code, ERROR_DISK_FULL);
    assert_int_equal(model_count(base->model, MODEL_FILTER), 1000 * (filled - 1));
    base_delete(base, 1000);
    assert_int_equal(add_many(base, 500000, 0), ERROR_SUCCESS);
    store_flush(&base->store);
    assert_int_equal(model_count(base->model, MODEL_FILTER), 1000 * filled - 1);
    assert_false(base->store.failed);
}

/* What is not persistent needs no room there, and what takes some away is possible. */
static void test_full_disk_refuses_what_is_persistent(void **state)
{
    struct base base;
    char database[sizeof(base_database)], where[80];
    size_t left;

    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
        skip();
    base_forget();
    memcpy(database, base_database, sizeof(database));
    snprintf(where, sizeof(where), "%s/full", base_directory);
    assert_int_equal(mkdir(where, 0700), 0);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount("full", where, "tmpfs", 0, "size=2m,mode=700"), 0);
    snprintf(base_database, sizeof(base_database), "%s/full/policy.db", base_directory);
    assert_int_equal(base_open(&base), 0);
    fill_disk(&base);
    left = model_count(base.model, MODEL_FILTER) - 1000;
    base_close(&base);
    base_reboot();
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(model_count(base.model, MODEL_FILTER), left);
    base_close(&base);
    assert_int_equal(mount(NULL, where, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_int_equal(base_open(&base), 0);
    assert_int_equal(model_count(base.model, MODEL_FILTER), left);
    assert_int_equal(add_many(&base, 600000, FWPM_FILTER_FLAG_PERSISTENT), ERROR_WRITE_FAULT);
    assert_int_equal(model_count(base.model, MODEL_FILTER), left);
    base_close(&base);
    assert_int_equal(umount(where), 0);
    assert_int_equal(rmdir(where), 0);
    memcpy(base_database, database, sizeof(database));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_database_is_kept_aside),
        cmocka_unit_test(test_rows_that_are_no_entries_are_damage),
        cmocka_unit_test(test_cut_short_is_damage),
        cmocka_unit_test(test_flipped_bits_never_make_another_policy),
        cmocka_unit_test(test_objects_that_do_not_fit_together_are_damage),
        cmocka_unit_test(test_damaged_beside_a_journal_is_mended),
        cmocka_unit_test(test_deleted_beside_a_journal_is_made_anew),
        cmocka_unit_test(test_restored_copy_counts),
        cmocka_unit_test(test_newer_schema_is_refused),
        cmocka_unit_test(test_what_others_can_change_is_refused),
        cmocka_unit_test(test_one_process_at_a_time),
        cmocka_unit_test(test_full_disk_refuses_what_is_persistent),
    };

    /* Each damaged store is logged; here that is noise. */
    if (!freopen("/dev/null", "w", stderr))
        return 1;
    return cmocka_run_group_tests(tests, base_setup, base_teardown);
}
