#include "store_load.h"

#include <errno.h>
#include <malloc.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"
#include "engine.h"
#include "log.h"
#include "model/guid.h"
#include "rpc/convert.h"
#include "store_keep.h"
#include "store_entry.h"

/* The last word about one thing, with its bytes. */
struct kept {
    struct store_entry entry;
    uint64_t sequence; /* when the thing was first heard of: objects come back in that order */
    uint8_t bytes[];
};

struct load {
    struct store *store;
    struct kept **rows; /* of the database, in their order */
    size_t row_count, row_room;
    bool rows_count; /* they are in the tree, instead of what the journal says */
    bool knows;      /* the journal has what is persistent, as of transaction `known` */
    uint64_t known;
    void *tree; /* of struct kept, tsearch */
    struct kept **objects;
    size_t count, object_count;
    uint64_t sequence;
    struct arena arena;
    struct converter convert;
};

/* ---- reading: the last entry about each thing ---- */

static int compare(const void *a, const void *b)
{
    return entry_compare(&((const struct kept *)a)->entry, &((const struct kept *)b)->entry);
}

static struct kept *keep(struct load *load, const uint8_t *bytes, size_t size)
{
    struct kept *kept = malloc(sizeof(*kept) + size);

    if (!kept)
        return NULL;
    memcpy(kept->bytes, bytes, size);
    entry_read(&kept->entry, kept->bytes, size);
    kept->sequence = load->sequence++;
    return kept;
}

static void drop(struct load *load, struct kept *kept)
{
    tdelete(kept, &load->tree, compare);
    load->count--;
    free(kept);
}

static int take_entry(struct load *load, const struct store_entry *entry, const uint8_t *bytes,
                      size_t size)
{
    struct kept probe = {.entry = *entry}, **place, *fresh;

    place = tfind(&probe, &load->tree, compare);
    if (entry->gone) {
        if (place)
            drop(load, *place);
        return 0;
    }
    fresh = keep(load, bytes, size);
    if (!fresh)
        return -ENOMEM;
    if (place) {
        fresh->sequence = (*place)->sequence;
        free(*place);
        *place = fresh;
        return 0;
    }
    if (!tsearch(fresh, &load->tree, compare)) {
        free(fresh);
        return -ENOMEM;
    }
    load->count++;
    return 0;
}

/* The transaction of the database that the record goes with; 0: none. */
static uint64_t sequence_of(const uint8_t *record, size_t size)
{
    struct store_entry entry;
    uint64_t sequence = 0;

    for (size_t used; size && (used = entry_read(&entry, record, size)); size -= used) {
        if (entry.class == ENTRY_SEQUENCE)
            sequence = entry.id;
        record += used;
    }
    return sequence;
}

static int take_record(void *ctx, const uint8_t *record, size_t size, bool prepared)
{
    struct load *load = ctx;
    struct store_entry entry;
    size_t used;
    int code = 0;

    if (prepared && sequence_of(record, size) != load->store->db.sequence)
        return JOURNAL_WITHDRAW;
    while (size && !code) {
        used = entry_read(&entry, record, size);
        if (!used)
            return -EPROTO;
        if (entry.class == ENTRY_SEQUENCE) {
            load->knows = true;
            load->known = entry.id;
        } else {
            code = take_entry(load, &entry, record, used);
        }
        record += used;
        size -= used;
    }
    return code;
}

/* ---- restoring ---- */

static int refuse(const struct store_entry *entry, const char *why)
{
    char key[GUID_TEXT_SIZE];

    log_line(LOG_ERR, "can't bring back the object %s (kind %d): %s", guid_format(&entry->key, key),
             entry->kind, why);
    return -EPROTO;
}

static int restore_object(struct load *load, const struct store_entry *entry)
{
    struct model_stored stored = {.lifetime = entry->lifetime, .creator = entry->creator};
    const FWP_BYTE_BLOB sd = {entry->sd_size, (UINT8 *)entry->sd};
    Rpc__Objects *message;
    void **objects;
    size_t count = 0;

    arena_reset(&load->arena);
    load->convert = (struct converter){.arena = &load->arena};
    message = rpc__objects__unpack(&load->arena.allocator, entry->body_size, entry->body);
    if (!message || !decode_objects(&load->convert, entry->kind, message, &count, &objects) ||
        count != 1)
        return refuse(entry, "it is malformed");
    stored.object = (struct model_object){.kind = entry->kind, .any = objects[0]};
    stored.sd = entry->sd_size ? &sd : NULL;
    if (model_restore(load->store->session, &stored, &load->convert.error) != ERROR_SUCCESS)
        return refuse(entry, load->convert.error.text);
    return 0;
}

static int by_kind_and_age(const void *a, const void *b)
{
    const struct kept *x = *(struct kept *const *)a, *y = *(struct kept *const *)b;

    if (x->entry.kind != y->entry.kind)
        return x->entry.kind < y->entry.kind ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static void collect_object(const void *node, VISIT visit, void *ctx)
{
    struct load *load = ctx;
    struct kept *kept = *(struct kept *const *)node;

    if ((visit == postorder || visit == leaf) && kept->entry.class == ENTRY_OBJECT)
        load->objects[load->object_count++] = kept;
}

static void forget(struct load *load)
{
    tdestroy(load->tree, free);
    free(load->objects);
    load->tree = NULL;
    load->objects = NULL;
    malloc_trim(0);
}

/* One transaction: the engine sees the whole policy at once, and has the memory for it. */
static int restore_objects(struct load *load)
{
    struct model_session *session = load->store->session;
    int code = 0;

    load->objects = calloc(load->count ? load->count : 1, sizeof(*load->objects));
    if (!load->objects)
        return -ENOMEM;
    twalk_r(load->tree, collect_object, load);
    qsort(load->objects, load->object_count, sizeof(*load->objects), by_kind_and_age);
    if (model_txn_begin(session, 0, &load->convert.error) != ERROR_SUCCESS)
        return -EBUSY;
    for (size_t i = 0; !code && i < load->object_count; i++)
        code = restore_object(load, &load->objects[i]->entry);
    if (code) {
        model_txn_abort(session, NULL);
        return code;
    }
    forget(load);
    if (model_txn_commit(session, &load->convert.error) == ERROR_SUCCESS)
        return 0;
    log_line(LOG_ERR, "the policy of the last run can't be enforced: %s", load->convert.error.text);
    return -EIO;
}

static void restore_security(struct load *load, const struct store_entry *entry)
{
    const FWP_BYTE_BLOB sd = {entry->sd_size, (UINT8 *)entry->sd};
    const GUID *key = entry->keyed ? &entry->key : NULL;
    uint32_t code;

    code = model_security_set(load->store->session, entry->kind, key,
                              DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION |
                                  GROUP_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION,
                              &sd, &load->convert.error);
    if (code != ERROR_SUCCESS)
        log_line(LOG_ERR, "a security descriptor of kind %d did not come back: %s", entry->kind,
                 load->convert.error.text);
    else
        store_note_descriptor(load->store, entry->kind, key);
}

static void restore_option(struct load *load, const struct store_entry *entry)
{
    const FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = (UINT32)entry->id};

    if (entry->key.Data1 >= FWPM_ENGINE_OPTION_MAX ||
        model_engine_option(load->store->model, entry->key.Data1) == value.uint32)
        return;
    if (model_engine_set_option(load->store->session, entry->key.Data1, &value,
                                &load->convert.error) != ERROR_SUCCESS)
        log_line(LOG_ERR, "engine option %u did not come back: %s", entry->key.Data1,
                 load->convert.error.text);
}

static void restore_ids(struct load *load, const struct store_entry *entry)
{
    model_reserve_ids(load->store->model, entry->kind, entry->id);
    load->store->reserved[entry->kind] = entry->id;
}

/* Code comes back before the filters that need it, so they are never without it. */
static void restore_code(struct load *load, const struct store_entry *entry)
{
    const char *name = (const char *)entry->body;
    size_t length = strnlen(name, entry->body_size);

    if (length == entry->body_size)
        return;
    engine_code_restore(
        load->store->engine,
        &(struct engine_code){.key = entry->key, .id = entry->creator, .slot = (unsigned)entry->id},
        &(struct engine_object){.name = (char *)name,
                                .bytes = (uint8_t *)entry->body + length + 1,
                                .size = entry->body_size - length - 1,
                                .time = entry->time});
}

/* Its callouts' code is taken to be there already: nothing is decided without it meanwhile. */
static void restore_driver(struct load *load, const struct store_entry *entry)
{
    drivers_restore(load->store->drivers, &entry->key, entry->body, entry->body_size);
}

struct restorer {
    struct load *load;
    enum entry_class class;
    void (*restore)(struct load *load, const struct store_entry *entry);
};

static void visit_other(const void *node, VISIT visit, void *ctx)
{
    const struct restorer *restorer = ctx;
    const struct kept *kept = *(struct kept *const *)node;

    if ((visit == postorder || visit == leaf) && kept->entry.class == restorer->class)
        restorer->restore(restorer->load, &kept->entry);
}

static void restore_others(struct load *load, enum entry_class class,
                           void (*restore)(struct load *load, const struct store_entry *entry))
{
    twalk_r(load->tree, visit_other, &(struct restorer){load, class, restore});
}

static void restore_all_others(struct load *load)
{
    restore_others(load, ENTRY_IDS, restore_ids);
    restore_others(load, ENTRY_CODE, restore_code);
    restore_others(load, ENTRY_DRIVER, restore_driver);
    restore_others(load, ENTRY_OPTION, restore_option);
    restore_others(load, ENTRY_SECURITY, restore_security);
}

/* ---- the database and the journal ---- */

static int take_row(void *ctx, const struct store_entry *entry, const uint8_t *bytes, size_t size)
{
    struct load *load = ctx;
    size_t room = load->row_room ? load->row_room * 2 : 64;
    struct kept **larger;

    if (load->row_count == load->row_room) {
        larger = realloc(load->rows, room * sizeof(struct kept *));
        if (!larger)
            return -ENOMEM;
        load->rows = larger;
        load->row_room = room;
    }
    load->rows[load->row_count] = keep(load, bytes, size);
    return load->rows[load->row_count++] ? 0 : -ENOMEM;
}

static void forget_rows(struct load *load)
{
    for (size_t i = 0; i < load->row_count; i++)
        free(load->rows[i]);
    free(load->rows);
    load->rows = NULL;
    load->row_count = load->row_room = 0;
}

static bool is_persistent(const struct store_entry *entry)
{
    return entry->class == ENTRY_SECURITY || entry->class == ENTRY_OPTION ||
           (entry->class == ENTRY_OBJECT && keep_is_durable(entry->lifetime));
}

static void collect_persistent(const void *node, VISIT visit, void *ctx)
{
    struct load *load = ctx;
    struct kept *kept = *(struct kept *const *)node;

    if ((visit == postorder || visit == leaf) && is_persistent(&kept->entry))
        load->objects[load->object_count++] = kept;
}

static int drop_persistent(struct load *load)
{
    free(load->objects);
    load->object_count = 0;
    load->objects = calloc(load->count ? load->count : 1, sizeof(struct kept *));
    if (!load->objects)
        return -ENOMEM;
    twalk_r(load->tree, collect_persistent, load);
    for (size_t i = 0; i < load->object_count; i++)
        drop(load, load->objects[i]);
    free(load->objects);
    load->objects = NULL;
    load->object_count = 0;
    return 0;
}

/* Of code and drivers the journal knows better: where the kernel has them in this boot. */
static int take_rows(struct load *load)
{
    int code = drop_persistent(load);

    for (size_t i = 0; !code && i < load->row_count; i++) {
        const struct kept *row = load->rows[i];

        if (is_persistent(&row->entry) || !tfind(row, &load->tree, compare))
            code = take_entry(load, &row->entry, row->bytes, entry_size(&row->entry));
    }
    load->rows_count = true;
    forget_rows(load);
    return code;
}

static int refuse_database(const struct store *store)
{
    log_line(LOG_ERR, "%s", store->db.why);
    return -EIO;
}

/* `mended`: all that was in it is known from elsewhere. */
static int replace_database(struct load *load, const char *path, bool mended)
{
    struct store *store = load->store;
    char why[STORE_WHY], name[STORE_WHY];
    int code;

    snprintf(why, sizeof(why), "%s", store->db.why);
    store_db_close(&store->db);
    code = store_file_aside(path, mended ? "mended" : "damaged", name);
    if (code) {
        log_line(LOG_ERR, "%s, and can't be kept aside as %s: %s", why, name, strerror(-code));
        return code;
    }
    if (mended)
        log_line(LOG_WARNING, "%s; kept as %s, and made anew: the journal has what was in it", why,
                 name);
    else
        log_line(LOG_ERR,
                 "%s; kept as %s. bfe starts WITHOUT the persistent policy. Put a copy of the "
                 "store in its place or apply the policy anew, delete the file that was kept, and "
                 "restart bfe",
                 why, name);
    store->behind = true;
    store->damaged = store_file_damaged(path);
    store->lost |= !mended;
    return store_db_open(&store->db, path) == STORE_DB_FRESH ? 0 : refuse_database(store);
}

/* What the database says is persistent is so, unless it has nothing to say. */
static int merge(struct load *load, const char *path, enum store_db_state state)
{
    struct store *store = load->store;

    if (state == STORE_DB_DAMAGED)
        return replace_database(load, path, load->knows);
    store->behind = state == STORE_DB_FRESH;
    if (state == STORE_DB_READY && (!load->knows || load->known != store->db.sequence))
        return take_rows(load);
    forget_rows(load);
    return 0;
}

/* Rows that are each whole and yet no policy together are a damaged database too. */
static int restore(struct load *load, const char *path)
{
    int code;

    restore_all_others(load);
    code = restore_objects(load);
    if (code == -EPROTO && load->rows_count) {
        snprintf(load->store->db.why, STORE_WHY,
                 "%.200s is damaged: its objects don't fit together", path);
        code = replace_database(load, path, false);
        if (!code)
            code = drop_persistent(load);
        if (!code)
            code = restore_objects(load);
    }
    if (code == -EPROTO)
        log_line(LOG_ERR,
                 "%s holds no policy that can be brought back. What the kernel enforces stays; "
                 "move the file away to start without it",
                 load->store->journal.path);
    if (!code && load->object_count)
        log_line(LOG_INFO, "brought back %zu objects", load->object_count);
    return code;
}

/* ---- opening ---- */

static int open_session(struct store *store)
{
    const struct model_caller service = {
        .pid = (uint32_t)getpid(), .privileged = true, .kernel = true};
    const uint32_t flags =
        FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD | FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE;
    WCHAR name[] = u"policy journal";
    const FWPM_SESSION0 session = {.displayData.name = name};
    uint64_t subscription;

    if (model_session_open(store->model, &session, &service, NULL, &store->session, NULL) !=
        ERROR_SUCCESS)
        return -ENOMEM;
    for (int kind = 0; kind <= MODEL_FILTER; kind++)
        if (model_subscribe(store->session, kind, NULL, flags, &subscription, NULL) !=
            ERROR_SUCCESS)
            return -ENOMEM;
    return 0;
}

static void explain_failure(const char *path, int code)
{
    if (code == -EPROTO)
        log_line(LOG_ERR,
                 "%s is not a policy journal of this version. What the kernel enforces stays; "
                 "move the file away to start with an empty policy",
                 path);
    else
        log_line(LOG_ERR, "can't read %s: %s", path, strerror(-code));
}

static enum store_db_state open_database(struct load *load, const char *path)
{
    struct store_db *db = &load->store->db;
    enum store_db_state state = store_db_open(db, path);
    int code = state == STORE_DB_READY ? store_db_each(db, take_row, load) : 0;

    return code == -EUCLEAN ? STORE_DB_DAMAGED : code ? STORE_DB_REFUSED : state;
}

static int open_journal(struct load *load, const char *path)
{
    struct journal *journal = &load->store->journal;
    int code = journal_open(journal, path, take_record, load);

    if (code)
        explain_failure(path, code);
    else if (journal->cut)
        log_line(LOG_WARNING,
                 "%s ended in an unfinished record: %llu bytes of a change that was never "
                 "answered are left out",
                 path, (unsigned long long)journal->cut);
    return code;
}

static int load_both(struct load *load, const struct store_paths *paths)
{
    enum store_db_state state = open_database(load, paths->database);
    int code;

    if (state == STORE_DB_REFUSED)
        return refuse_database(load->store);
    load->store->damaged = store_file_damaged(paths->database);
    code = open_journal(load, paths->journal);
    if (!code)
        code = merge(load, paths->database, state);
    if (!code)
        code = restore(load, paths->database);
    return code;
}

int store_load(struct store *store, const struct store_paths *paths)
{
    struct load load = {.store = store};
    int code = open_session(store);

    if (code)
        return code;
    arena_init(&load.arena, JOURNAL_RECORD_MAX);
    code = load_both(&load, paths);
    forget(&load);
    forget_rows(&load);
    arena_free(&load.arena);
    return code;
}
