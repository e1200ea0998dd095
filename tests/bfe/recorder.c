#include "recorder.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES   2
#define LARGEST (8u << 20)
#define SECTOR  512

enum what { WRITE, TRUNCATE, SYNC, DELETE };

struct operation {
    enum what what;
    unsigned file;
    uint64_t at;
    size_t size;
    uint8_t *bytes;
};

struct image {
    uint8_t *bytes;
    uint64_t size;
    bool there;
};

struct file {
    sqlite3_file base;
    unsigned number; /* FILES: none of ours */
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods methods;
    char paths[FILES][128];
    struct image before[FILES];
    struct operation *operations;
    size_t count, room;
    size_t fail_from, die_at, seen;
    bool recording;
} recorder;

/* ---- recording ---- */

static bool fails(const struct file *file)
{
    if (file->number == FILES || !(recorder.fail_from || recorder.die_at))
        return false;
    recorder.seen++;
    if (recorder.seen == recorder.die_at)
        _exit(RECORDER_DIED);
    return recorder.fail_from && recorder.seen >= recorder.fail_from;
}

static void record(unsigned file, enum what what, uint64_t at, const void *bytes, size_t size)
{
    struct operation *operation;

    if (!recorder.recording || file == FILES)
        return;
    if (recorder.count == recorder.room) {
        recorder.room = recorder.room ? 2 * recorder.room : 256;
        recorder.operations =
            realloc(recorder.operations, recorder.room * sizeof(*recorder.operations));
        if (!recorder.operations)
            abort();
    }
    operation = &recorder.operations[recorder.count++];
    *operation = (struct operation){what, file, at, size, NULL};
    if (!size)
        return;
    operation->bytes = malloc(size);
    if (!operation->bytes)
        abort();
    memcpy(operation->bytes, bytes, size);
}

static int on_close(sqlite3_file *base)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
}

static int on_read(sqlite3_file *base, void *bytes, int size, sqlite3_int64 at)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods->xRead(file->real, bytes, size, at);
}

static int on_write(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 at)
{
    struct file *file = (struct file *)base;

    if (fails(file))
        return SQLITE_IOERR_WRITE;
    record(file->number, WRITE, (uint64_t)at, bytes, (size_t)size);
    return file->real->pMethods->xWrite(file->real, bytes, size, at);
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = (struct file *)base;

    if (fails(file))
        return SQLITE_IOERR_TRUNCATE;
    record(file->number, TRUNCATE, (uint64_t)size, NULL, 0);
    return file->real->pMethods->xTruncate(file->real, size);
}

/* What is synced stays in the memory of a machine that goes on: the test need not wait. */
static int on_sync(sqlite3_file *base, int flags)
{
    struct file *file = (struct file *)base;

    if (fails(file))
        return SQLITE_IOERR_FSYNC;
    record(file->number, SYNC, 0, NULL, 0);
    return SQLITE_OK;
}

static int on_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods->xFileSize(file->real, size);
}

static int on_lock(sqlite3_file *base, int kind)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods->xLock(file->real, kind);
}

static int on_unlock(sqlite3_file *base, int kind)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods->xUnlock(file->real, kind);
}

static int on_check_lock(sqlite3_file *base, int *locked)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods->xCheckReservedLock(file->real, locked);
}

static int on_control(sqlite3_file *base, int operation, void *argument)
{
    struct file *file = (struct file *)base;

    return file->real->pMethods->xFileControl(file->real, operation, argument);
}

static int on_sector_size(sqlite3_file *base)
{
    return SECTOR;
}

/* The careful answer: no write but a whole sector's is safe. */
static int on_characteristics(sqlite3_file *base)
{
    return 0;
}

/* ---- the file system ---- */

static unsigned number_of(const char *path)
{
    for (unsigned i = 0; i < FILES; i++)
        if (path && !strcmp(path, recorder.paths[i]))
            return i;
    return FILES;
}

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *given)
{
    struct file *file = (struct file *)base;
    int result;

    *file = (struct file){.number = number_of(path), .real = (sqlite3_file *)(file + 1)};
    result = recorder.real->xOpen(recorder.real, path, file->real, flags, given);
    file->base.pMethods = file->real->pMethods ? &recorder.methods : NULL;
    return result;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    record(number_of(path), DELETE, 0, NULL, 0);
    return recorder.real->xDelete(recorder.real, path, sync);
}

void recorder_install(const char *database)
{
    recorder.real = sqlite3_vfs_find(NULL);
    recorder.vfs = *recorder.real;
    recorder.vfs.pNext = NULL;
    recorder.vfs.zName = "recorder";
    recorder.vfs.szOsFile = (int)sizeof(struct file) + recorder.real->szOsFile;
    recorder.vfs.xOpen = on_open;
    recorder.vfs.xDelete = on_delete;
    recorder.methods = (sqlite3_io_methods){
        1,       on_close,  on_read,       on_write,   on_truncate,    on_sync,           on_size,
        on_lock, on_unlock, on_check_lock, on_control, on_sector_size, on_characteristics};
    snprintf(recorder.paths[0], sizeof(recorder.paths[0]), "%s", database);
    snprintf(recorder.paths[1], sizeof(recorder.paths[1]), "%s-journal", database);
    sqlite3_vfs_register(&recorder.vfs, 1);
}

void recorder_fail_from(size_t count)
{
    recorder.fail_from = count;
    recorder.seen = 0;
}

void recorder_die_at(size_t count)
{
    recorder.die_at = count;
    recorder.seen = 0;
}

/* ---- files and their images ---- */

static struct image read_image(const char *path)
{
    struct image image = {.bytes = calloc(1, LARGEST)};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (!image.bytes)
        abort();
    if (fd < 0)
        return image;
    image.there = true;
    image.size = (uint64_t)read(fd, image.bytes, LARGEST);
    close(fd);
    return image;
}

static void write_image(const char *path, const struct image *image)
{
    int fd;

    unlink(path);
    if (!image->there)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, image->bytes, image->size) != (ssize_t)image->size)
        abort();
    close(fd);
}

void recorder_start(void)
{
    recorder_free();
    for (unsigned i = 0; i < FILES; i++)
        recorder.before[i] = read_image(recorder.paths[i]);
    recorder.recording = true;
}

void recorder_stop(void)
{
    recorder.recording = false;
}

size_t recorder_count(void)
{
    return recorder.count;
}

void recorder_free(void)
{
    for (size_t i = 0; i < recorder.count; i++)
        free(recorder.operations[i].bytes);
    for (unsigned i = 0; i < FILES; i++)
        free(recorder.before[i].bytes);
    free(recorder.operations);
    recorder.operations = NULL;
    recorder.count = recorder.room = 0;
}

/* ---- cutting the power ---- */

static void apply(struct image *image, const struct operation *operation, size_t size)
{
    if (operation->what == DELETE) {
        image->there = false;
        image->size = 0;
    } else if (operation->what == TRUNCATE) {
        if (operation->at < image->size)
            memset(image->bytes + operation->at, 0, image->size - operation->at);
        image->size = operation->at;
    } else if (operation->what == WRITE && operation->at + size <= LARGEST) {
        memcpy(image->bytes + operation->at, operation->bytes, size);
        image->there = true;
        if (operation->at + size > image->size)
            image->size = operation->at + size;
    }
}

/* How many of the first `cut` operations are safe for the file. */
static size_t synced(unsigned file, size_t cut)
{
    for (size_t i = cut; i-- > 0;)
        if (recorder.operations[i].file == file &&
            (recorder.operations[i].what == SYNC || recorder.operations[i].what == DELETE))
            return i + 1;
    return 0;
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void make_file(unsigned file, size_t cut, enum recorder_loss loss, unsigned *seed)
{
    struct image image = {malloc(LARGEST), recorder.before[file].size, recorder.before[file].there};
    size_t safe = synced(file, cut), last = cut;

    if (!image.bytes)
        abort();
    memcpy(image.bytes, recorder.before[file].bytes, LARGEST);
    while (last > safe && recorder.operations[last - 1].file != file)
        last--;
    for (size_t i = 0; i < cut; i++) {
        const struct operation *operation = &recorder.operations[i];
        size_t size = operation->size;

        if (operation->file != file)
            continue;
        if (i >= safe && loss == RECORDER_UNSYNCED)
            break;
        if (i >= safe && loss == RECORDER_SOME && next(seed) % 2)
            continue;
        if (i + 1 == last && loss == RECORDER_SOME && size > SECTOR)
            size = next(seed) % (size / SECTOR) * SECTOR;
        apply(&image, operation, size);
    }
    write_image(recorder.paths[file], &image);
    free(image.bytes);
}

void recorder_cut(size_t cut, enum recorder_loss loss, unsigned seed)
{
    for (unsigned file = 0; file < FILES; file++)
        make_file(file, cut, loss, &seed);
}
