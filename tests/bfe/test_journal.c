#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bfe/crc32.h"
#include "bfe/journal.h"

#define RECORDS 5

static char directory[] = "/tmp/bfe-journal-XXXXXX";
static char path[64];

static const char *const records[RECORDS] = {"first", "", "the third record", "4", "last one"};

/* Checks that records come back in order and unchanged. */
static int expect_next(void *ctx, const uint8_t *record, size_t size, bool prepared)
{
    unsigned *count = ctx;

    assert_in_range(*count, 0, RECORDS - 1);
    assert_int_equal(size, strlen(records[*count]));
    assert_memory_equal(record, records[*count], size);
    ++*count;
    return 0;
}

static unsigned count_records(uint64_t *cut)
{
    struct journal journal;
    unsigned count = 0;

    assert_int_equal(journal_open(&journal, path, expect_next, &count), 0);
    if (cut)
        *cut = journal.cut;
    journal_close(&journal);
    return count;
}

static void write_all(void)
{
    struct journal journal;
    unsigned none = 0;

    unlink(path);
    assert_int_equal(journal_open(&journal, path, expect_next, &none), 0);
    for (int i = 0; i < RECORDS; i++)
        assert_int_equal(journal_append(&journal, records[i], strlen(records[i])), 0);
    journal_close(&journal);
}

static void test_crc32_known_value(void **state)
{
    assert_int_equal(crc32_of("123456789", 9), 0xcbf43926);
    for (size_t cut = 0; cut <= 9; cut++)
        assert_int_equal(crc32_more(crc32_of("123456789", cut), &"123456789"[cut], 9 - cut),
                         0xcbf43926);
}

static void test_records_come_back_in_order(void **state)
{
    uint64_t cut;

    write_all();
    assert_int_equal(count_records(&cut), RECORDS);
    assert_int_equal(cut, 0);
}

/* Whatever byte the writer was killed at: all whole records stay, the torn one is gone for good. */
static void test_file_torn_at_every_byte(void **state)
{
    struct stat st;
    unsigned previous = 0, count;

    write_all();
    assert_int_equal(stat(path, &st), 0);
    for (off_t length = 0; length <= st.st_size; length++) {
        write_all();
        assert_int_equal(truncate(path, length), 0);
        count = count_records(NULL);
        assert_true(count == previous || count == previous + 1);
        assert_int_equal(count_records(NULL), count);
        previous = count;
    }
    assert_int_equal(previous, RECORDS);
}

static void test_flipped_byte_ends_the_journal_there(void **state)
{
    struct stat st;
    uint64_t cut;
    FILE *file;
    int byte;

    write_all();
    assert_int_equal(stat(path, &st), 0);
    file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, st.st_size - 1, SEEK_SET);
    byte = fgetc(file);
    fseek(file, st.st_size - 1, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
    assert_int_equal(count_records(&cut), RECORDS - 1);
    assert_int_equal(cut, 8 + strlen(records[RECORDS - 1]));
}

static void test_append_after_a_torn_tail(void **state)
{
    struct journal journal;
    struct stat st;
    unsigned count = 0;

    write_all();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 1), 0);
    assert_int_equal(journal_open(&journal, path, expect_next, &count), 0);
    assert_int_equal(count, RECORDS - 1);
    assert_int_equal(journal_append(&journal, records[RECORDS - 1], strlen(records[RECORDS - 1])),
                     0);
    journal_close(&journal);
    assert_int_equal(count_records(NULL), RECORDS);
}

/* "the third record" in parts; with `ended` false its writer was killed before the last. */
static void write_in_parts(bool ended)
{
    struct journal journal;
    unsigned none = 0;

    unlink(path);
    assert_int_equal(journal_open(&journal, path, expect_next, &none), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(journal_append(&journal, records[i], strlen(records[i])), 0);
    assert_int_equal(journal_append_part(&journal, "the ", 4), 0);
    assert_int_equal(journal_append_part(&journal, "third", 5), 0);
    if (ended)
        assert_int_equal(journal_append(&journal, " record", 7), 0);
    journal_close(&journal);
}

static void test_record_in_parts_counts_when_it_is_whole(void **state)
{
    struct stat st;
    uint64_t cut;

    write_in_parts(true);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(count_records(&cut), 3);
    assert_int_equal(cut, 0);
    for (off_t lost = 1; lost <= (off_t)strlen(records[2]); lost++) {
        write_in_parts(true);
        assert_int_equal(truncate(path, st.st_size - lost), 0);
        assert_int_equal(count_records(NULL), 2);
    }
    write_in_parts(false);
    assert_int_equal(count_records(&cut), 2);
    assert_int_equal(cut, 8 + strlen("the third"));
}

static int expect_prepared(void *ctx, const uint8_t *record, size_t size, bool prepared)
{
    assert_int_equal(prepared, size == 8 && !memcmp(record, "prepared", 8));
    return prepared ? *(int *)ctx : 0;
}

/* "first", and a prepared record whose writer was killed before it said more. */
static uint64_t open_prepared(int answer)
{
    struct journal journal;
    unsigned none = 0;
    uint64_t size;

    unlink(path);
    assert_int_equal(journal_open(&journal, path, expect_next, &none), 0);
    assert_int_equal(journal_append(&journal, records[0], strlen(records[0])), 0);
    assert_int_equal(journal_prepare(&journal, "prepared", 8), 0);
    close(journal.fd);
    journal.fd = -1;
    journal_close(&journal);
    assert_int_equal(journal_open(&journal, path, expect_prepared, &answer), 0);
    size = journal.size;
    journal_close(&journal);
    return size;
}

static void test_prepared_record_counts_when_its_owner_says_so(void **state)
{
    uint64_t with = open_prepared(0), count = 0;
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, with);
    assert_int_equal(with, open_prepared(JOURNAL_WITHDRAW) + 8 + 8);
    assert_int_equal(count_records(&count), 1);
    assert_int_equal(count, 0);
}

static void test_confirmed_and_withdrawn_records(void **state)
{
    struct journal journal;
    unsigned none = 0;
    uint64_t cut;

    unlink(path);
    assert_int_equal(journal_open(&journal, path, expect_next, &none), 0);
    assert_int_equal(journal_prepare(&journal, "taken back", 10), 0);
    assert_int_equal(journal_withdraw(&journal), 0);
    assert_int_equal(journal_prepare(&journal, records[0], strlen(records[0])), 0);
    assert_int_equal(journal_confirm(&journal), 0);
    assert_int_equal(journal_append(&journal, records[1], strlen(records[1])), 0);
    journal_close(&journal);
    assert_int_equal(count_records(&cut), 2);
    assert_int_equal(cut, 0);
}

static void test_rewrite_forgets_parts(void **state)
{
    struct journal journal;
    unsigned none = 0;

    unlink(path);
    assert_int_equal(journal_open(&journal, path, expect_next, &none), 0);
    assert_int_equal(journal_append_part(&journal, "given up", 8), 0);
    assert_int_equal(journal_rewrite_begin(&journal), 0);
    assert_int_equal(journal_append(&journal, records[0], strlen(records[0])), 0);
    journal_rewrite_abort(&journal);
    assert_int_equal(journal_append(&journal, records[0], strlen(records[0])), 0);
    journal_close(&journal);
    assert_int_equal(count_records(NULL), 1);
}

static void test_rewrite_replaces_the_whole_file_at_once(void **state)
{
    struct journal journal;
    unsigned count = 0;

    write_all();
    assert_int_equal(journal_open(&journal, path, expect_next, &count), 0);
    assert_int_equal(journal_rewrite_begin(&journal), 0);
    assert_int_equal(journal_append(&journal, records[0], strlen(records[0])), 0);
    assert_int_equal(count_records(NULL), RECORDS);
    assert_int_equal(journal_rewrite_end(&journal), 0);
    assert_int_equal(journal_append(&journal, records[1], strlen(records[1])), 0);
    journal_close(&journal);
    assert_int_equal(count_records(NULL), 2);
}

static void test_other_file_is_refused_and_left_alone(void **state)
{
    struct journal journal;
    unsigned count = 0;
    struct stat st;
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("something that is not a journal of ours", file);
    fclose(file);
    assert_int_equal(journal_open(&journal, path, expect_next, &count), -71 /* EPROTO */);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 39);
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
        cmocka_unit_test(test_crc32_known_value),
        cmocka_unit_test(test_records_come_back_in_order),
        cmocka_unit_test(test_file_torn_at_every_byte),
        cmocka_unit_test(test_flipped_byte_ends_the_journal_there),
        cmocka_unit_test(test_append_after_a_torn_tail),
        cmocka_unit_test(test_record_in_parts_counts_when_it_is_whole),
        cmocka_unit_test(test_prepared_record_counts_when_its_owner_says_so),
        cmocka_unit_test(test_confirmed_and_withdrawn_records),
        cmocka_unit_test(test_rewrite_forgets_parts),
        cmocka_unit_test(test_rewrite_replaces_the_whole_file_at_once),
        cmocka_unit_test(test_other_file_is_refused_and_left_alone),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
