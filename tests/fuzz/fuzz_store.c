/*
 * Any bytes as a record of the policy journal, with a right length and checksum: what is in it
 * comes back or is refused, nothing else. What came back and is persistent is in the database then,
 * and comes back from there alone: as much as there was.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bfe/crc32.h"
#include "bfe/driver.h"
#include "bfe/engine.h"
#include "bfe/store.h"
#include "bfe/store_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/fuzz-store-XXXXXX";
static char journal[64], database[64], sqlite_journal[80];

static int standard_error, silence;

static void leave(void)
{
    unlink(journal);
    unlink(database);
    unlink(sqlite_journal);
    rmdir(directory);
}

static void make_place(void)
{
    if (*journal)
        return;
    standard_error = dup(STDERR_FILENO);
    silence = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!mkdtemp(directory) || standard_error < 0 || silence < 0)
        abort();
    snprintf(journal, sizeof(journal), "%s/journal", directory);
    snprintf(database, sizeof(database), "%s/database", directory);
    snprintf(sqlite_journal, sizeof(sqlite_journal), "%s-journal", database);
    atexit(leave);
}

/* A driver that comes back is a process that is started. */
static bool has_driver(const uint8_t *data, size_t size)
{
    struct store_entry entry;

    for (size_t used; (used = entry_read(&entry, data, size)); size -= used) {
        if (entry.class == ENTRY_DRIVER)
            return true;
        data += used;
    }
    return false;
}

static void write_journal(const uint8_t *data, size_t size)
{
    const uint32_t head[] = {(uint32_t)size, crc32_of(data, size)};
    FILE *file = fopen(journal, "w");

    if (!file || fputs("OpenWFP policy1\n", file) < 0 || !fwrite(head, sizeof(head), 1, file) ||
        fwrite(data, 1, size, file) != size || fclose(file))
        abort();
}

static int count_one(void *ctx, const struct model_stored *stored)
{
    ++*(size_t *)ctx;
    return 0;
}

/* How many persistent objects came back; -1: they were refused. */
static long come_back(void)
{
    const struct store_paths paths = {journal, database};
    const struct model_hooks hooks = {0};
    struct engine engine = {0};
    struct drivers drivers = {0};
    struct store store;
    size_t count = 0;
    int code;

    engine.model = model_new(&hooks);
    if (!engine.model)
        abort();
    code = store_open(&store, engine.model, &engine, &drivers, &paths);
    model_each(engine.model, MODEL_PERSISTENT, count_one, &count);
    model_each(engine.model, MODEL_BOOTTIME, count_one, &count);
    store_close(&store);
    engine_free_codes(&engine);
    model_free(engine.model);
    return code < 0 ? -1 : (long)count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long first, second;

    make_place();
    if (has_driver(data, size))
        return 0;
    unlink(database);
    unlink(sqlite_journal);
    write_journal(data, size);
    dup2(silence, STDERR_FILENO); /* what is refused is logged */
    first = come_back();
    unlink(journal);
    second = first < 0 ? first : come_back();
    dup2(standard_error, STDERR_FILENO);
    if (second != first)
        abort();
    return 0;
}
