#include "store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "crc32.h"

#define APPLICATION 0x4f574650 /* "OWFP" */
#define SCHEMA      1
#define ROW_MAX     (64 << 20)
#define PAGES_MAX   "262144" /* of 4 KiB: 1 GiB */
#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x

/* Exclusive: nobody else writes, and the rollback journal stays; its header's end is the commit. */
static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA synchronous=EXTRA;"
                               "PRAGMA journal_mode=PERSIST;"
                               "PRAGMA journal_size_limit=1048576;"
                               "PRAGMA max_page_count=" PAGES_MAX ";";

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE entry(place INTEGER PRIMARY KEY, class INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, key BLOB NOT NULL, crc INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, UNIQUE(class, kind, key));"
    "CREATE TABLE last(sequence INTEGER NOT NULL);"
    "PRAGMA application_id=" TEXT(APPLICATION) ";"
                                               "PRAGMA user_version=" TEXT(SCHEMA) ";";

/* ---- failures ---- */

static bool means_damage(int result)
{
    int code = result & 0xff;

    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_FORMAT;
}

static int errno_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_TOOBIG:
        return -EFBIG;
    default:
        return means_damage(result) ? -EUCLEAN : -EIO;
    }
}

static const char *advice(int code)
{
    switch (code) {
    case -ENOSPC:
        return "make room there";
    case -EROFS:
        return "make it writable";
    case -EUCLEAN:
        return "restart bfe, which examines it";
    default:
        return "see to its disk";
    }
}

/* SQLITE_OK is 0. */
static int check(struct store_db *db, int result)
{
    int code, system;

    if (result == SQLITE_OK)
        return 0;
    code = errno_of(result);
    system = db->db ? sqlite3_system_errno(db->db) : 0;
    snprintf(db->why, sizeof(db->why), "can't write %.160s: %s%s%s; %s", db->path,
             db->db ? sqlite3_errmsg(db->db) : sqlite3_errstr(result), system ? ", " : "",
             system ? strerror(system) : "", advice(code));
    return code;
}

static int run(struct store_db *db, const char *sql)
{
    return check(db, sqlite3_exec(db->db, sql, NULL, NULL, NULL));
}

/* ---- opening ---- */

static int connect_to(struct store_db *db, const char *path)
{
    int result = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE, NULL);

    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(db->db, 1);
        sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
        sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        result = sqlite3_exec(db->db, settings, NULL, NULL, NULL);
    }
    return result;
}

static int number_of(struct store_db *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db->db, sql, -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? SQLITE_OK : result == SQLITE_DONE ? SQLITE_CORRUPT : result;
}

/* A name of its own until it is whole: a store that is there but empty was damaged. */
static int make(struct store_db *db, const char *path)
{
    uint64_t random = 0;
    char fill[80], draft[PATH_MAX];
    int fd, code;

    snprintf(draft, sizeof(draft), "%s.new", path);
    unlink(draft);
    fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(db->why, sizeof(db->why), "can't make %.200s: %s", path, strerror(errno));
        return -errno;
    }
    close(fd);
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
        random = (uint64_t)getpid();
    snprintf(fill, sizeof(fill), "INSERT INTO last VALUES(%llu); COMMIT;",
             (unsigned long long)random >> 2);
    code = check(db, connect_to(db, draft));
    if (!code)
        code = run(db, schema);
    if (!code)
        code = run(db, fill);
    store_db_close(db);
    if (!code && rename(draft, path) < 0)
        code = -errno;
    snprintf(draft, sizeof(draft), "%s.new-journal", path);
    unlink(draft);
    return code ? code : store_file_sync(path);
}

static enum store_db_state damaged(struct store_db *db, const char *what)
{
    snprintf(db->why, sizeof(db->why), "%.160s is damaged: %.160s", db->path, what);
    return STORE_DB_DAMAGED;
}

static int keep_complaint(void *ctx, int columns, char **values, char **names)
{
    char *complaint = ctx;

    if (!*complaint && strcmp(values[0], "ok"))
        snprintf(complaint, 160, "%s", values[0]);
    return 0;
}

static enum store_db_state classify_failure(struct store_db *db, int result)
{
    const char *text = sqlite3_errmsg(db->db);

    if (means_damage(result))
        return damaged(db, text);
    if ((result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED)
        text = "another process uses it; end that one";
    snprintf(db->why, sizeof(db->why), "can't read %.160s: %.160s", db->path, text);
    return STORE_DB_REFUSED;
}

static enum store_db_state check_schema(struct store_db *db)
{
    int64_t application = 0, version = 0, sequence = 0;
    int result = number_of(db, "PRAGMA application_id", &application);

    if (result == SQLITE_OK)
        result = number_of(db, "PRAGMA user_version", &version);
    if (result != SQLITE_OK)
        return classify_failure(db, result);
    if (application != APPLICATION || version < SCHEMA)
        return damaged(db, "it is not a policy store");
    if (version > SCHEMA) {
        snprintf(db->why, sizeof(db->why),
                 "%.160s was written by a newer OpenWFP (schema %lld, this one knows %d): install "
                 "that one, or move the file away to start with an empty policy",
                 db->path, (long long)version, SCHEMA);
        return STORE_DB_REFUSED;
    }
    result = number_of(db, "SELECT sequence FROM last", &sequence);
    db->sequence = (uint64_t)sequence;
    return result == SQLITE_OK ? STORE_DB_READY : damaged(db, sqlite3_errmsg(db->db));
}

static enum store_db_state examine(struct store_db *db)
{
    char complaint[160] = "";
    int result = sqlite3_exec(db->db, "PRAGMA quick_check(1)", keep_complaint, complaint, NULL);
    enum store_db_state state;

    if (result != SQLITE_OK)
        return classify_failure(db, result);
    if (*complaint)
        return damaged(db, complaint);
    state = check_schema(db);
    if (state != STORE_DB_READY)
        return state;
    if (sqlite3_prepare_v3(db->db,
                           "INSERT INTO entry(class, kind, key, crc, bytes) VALUES(?,?,?,?,?)"
                           " ON CONFLICT(class, kind, key)"
                           " DO UPDATE SET crc=excluded.crc, bytes=excluded.bytes",
                           -1, SQLITE_PREPARE_PERSISTENT, &db->put, NULL) ||
        sqlite3_prepare_v3(db->db, "DELETE FROM entry WHERE class=? AND kind=? AND key=?", -1,
                           SQLITE_PREPARE_PERSISTENT, &db->delete, NULL) ||
        sqlite3_prepare_v3(db->db, "UPDATE last SET sequence=?", -1, SQLITE_PREPARE_PERSISTENT,
                           &db->number, NULL))
        return damaged(db, sqlite3_errmsg(db->db));
    return STORE_DB_READY;
}

/* The lock is kept until the end; one that is only read from can't be had alone. */
static int lock(struct store_db *db)
{
    return sqlite3_db_readonly(db->db, "main") == 1
               ? SQLITE_OK
               : sqlite3_exec(db->db, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL);
}

static enum store_db_state open_present(struct store_db *db)
{
    int result = connect_to(db, db->path);

    if (result == SQLITE_OK)
        result = lock(db);
    return result == SQLITE_OK ? examine(db) : classify_failure(db, result);
}

enum store_db_state store_db_open(struct store_db *db, const char *path)
{
    enum store_db_state state;
    int code;

    *db = (struct store_db){.path = path};
    code = store_file_check(path, db->why);
    if (code == -ENOENT && make(db, path))
        return STORE_DB_REFUSED;
    if (code && code != -ENOENT)
        return STORE_DB_REFUSED;
    state = open_present(db);
    if (state != STORE_DB_READY)
        store_db_close(db);
    return state == STORE_DB_READY && code ? STORE_DB_FRESH : state;
}

void store_db_close(struct store_db *db)
{
    sqlite3_finalize(db->put);
    sqlite3_finalize(db->delete);
    sqlite3_finalize(db->number);
    sqlite3_close(db->db);
    db->db = NULL;
    db->put = db->delete = db->number = NULL;
}

/* ---- reading ---- */

static int take_row(struct store_db *db, sqlite3_stmt *row, store_db_entry_fn *fn, void *ctx)
{
    const uint8_t *bytes = sqlite3_column_blob(row, 5);
    const void *key = sqlite3_column_blob(row, 3);
    size_t size = (size_t)sqlite3_column_bytes(row, 5);
    struct store_entry entry;

    if (!bytes || !key || crc32_of(bytes, size) != (uint32_t)sqlite3_column_int64(row, 4) ||
        entry_read(&entry, bytes, size) != size || entry.gone ||
        entry.class != sqlite3_column_int(row, 1) || entry.kind != sqlite3_column_int(row, 2) ||
        sqlite3_column_bytes(row, 3) != sizeof(entry.key) ||
        memcmp(key, &entry.key, sizeof(entry.key)) != 0) {
        snprintf(db->why, sizeof(db->why), "%.160s is damaged: its row %lld is malformed", db->path,
                 (long long)sqlite3_column_int64(row, 0));
        return -EUCLEAN;
    }
    return fn(ctx, &entry, bytes, size);
}

int store_db_each(struct store_db *db, store_db_entry_fn *fn, void *ctx)
{
    sqlite3_stmt *rows = NULL;
    int result, code = 0;

    result = sqlite3_prepare_v2(
        db->db, "SELECT place, class, kind, key, crc, bytes FROM entry ORDER BY place", -1, &rows,
        NULL);
    while (result == SQLITE_OK && !code) {
        result = sqlite3_step(rows);
        if (result == SQLITE_ROW) {
            result = SQLITE_OK;
            code = take_row(db, rows, fn, ctx);
        }
    }
    if (!code && result != SQLITE_DONE)
        code = classify_failure(db, result) == STORE_DB_DAMAGED ? -EUCLEAN : -EIO;
    sqlite3_finalize(rows);
    return code;
}

/* ---- writing ---- */

static int step(struct store_db *db, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);

    sqlite3_reset(statement);
    return check(db, result == SQLITE_DONE ? SQLITE_OK : result);
}

static void bind_thing(sqlite3_stmt *statement, const struct store_entry *entry)
{
    sqlite3_bind_int(statement, 1, entry->class);
    sqlite3_bind_int(statement, 2, entry->kind);
    sqlite3_bind_blob(statement, 3, &entry->key, sizeof(entry->key), SQLITE_STATIC);
}

int store_db_begin(struct store_db *db)
{
    return run(db, "BEGIN IMMEDIATE");
}

int store_db_put(struct store_db *db, const struct store_entry *entry, const uint8_t *bytes,
                 size_t size)
{
    bind_thing(db->put, entry);
    sqlite3_bind_int64(db->put, 4, crc32_of(bytes, size));
    sqlite3_bind_blob64(db->put, 5, bytes, size, SQLITE_STATIC);
    return step(db, db->put);
}

int store_db_delete(struct store_db *db, const struct store_entry *entry)
{
    bind_thing(db->delete, entry);
    return step(db, db->delete);
}

int store_db_clear(struct store_db *db)
{
    return run(db, "DELETE FROM entry");
}

int store_db_commit(struct store_db *db, uint64_t sequence)
{
    int code;

    sqlite3_bind_int64(db->number, 1, (int64_t)sequence);
    code = step(db, db->number);
    if (!code)
        code = run(db, "COMMIT");
    if (!code)
        db->sequence = sequence;
    return code;
}

bool store_db_rollback(struct store_db *db)
{
    int64_t sequence;

    if (!sqlite3_get_autocommit(db->db))
        sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
    return number_of(db, "SELECT sequence FROM last", &sequence) == SQLITE_OK &&
           (uint64_t)sequence == db->sequence;
}
