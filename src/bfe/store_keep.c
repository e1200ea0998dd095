#include "store_keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "engine.h"
#include "log.h"
#include "store_entry.h"
#include "store_put.h"

/* ---- what belongs into the database ---- */

bool keep_is_durable(enum model_lifetime lifetime)
{
    return lifetime == MODEL_PERSISTENT || lifetime == MODEL_BOOTTIME;
}

bool keep_is_persistent(const struct store *store, const GUID *callout)
{
    struct model_stored stored;

    return model_stored_get(store->model, MODEL_CALLOUT, callout, &stored, NULL) == ERROR_SUCCESS &&
           stored.lifetime == MODEL_PERSISTENT;
}

static bool serves_persistent(const struct store *store, const struct driver *driver)
{
    for (size_t i = 0; i < driver->host.count; i++)
        if (keep_is_persistent(store, &driver->host.callouts[i].key))
            return true;
    return false;
}

bool keep_concerns_driver(const struct store *store, const GUID *key)
{
    const struct driver *driver = drivers_find_key(store->drivers, key);

    return !driver || !driver->remembered || serves_persistent(store, driver);
}

static bool belongs(const struct store *store, const struct store_note *note)
{
    const struct driver *driver;
    struct model_stored stored;

    switch (note->class) {
    case ENTRY_OBJECT:
        return model_stored_get(store->model, note->kind, &note->key, &stored, NULL) ==
                   ERROR_SUCCESS &&
               keep_is_durable(stored.lifetime);
    case ENTRY_CODE:
        return keep_is_persistent(store, &note->key) && engine_code_find(store->engine, &note->key);
    case ENTRY_DRIVER:
        driver = drivers_find_key(store->drivers, &note->key);
        return driver && driver->remembered && serves_persistent(store, driver);
    default:
        return note->class == ENTRY_SECURITY || note->class == ENTRY_OPTION;
    }
}

/* ---- rows ---- */

/* The entry that was just put into the record, as a row. */
static int mirror(struct store *store, size_t from)
{
    const uint8_t *bytes = store->record.bytes + from;
    size_t size = store->record.used - from;
    struct store_entry entry;

    if (!size || !entry_read(&entry, bytes, size))
        return 0;
    return entry.gone ? store_db_delete(&store->db, &entry)
                      : store_db_put(&store->db, &entry, bytes, size);
}

/* What is noted, as it is now, as a row and nothing else. */
static int mirror_note(struct store *store, const struct store_note *note)
{
    const struct store_note now = {
        .class = note->class, .kind = note->kind, .keyed = note->keyed, .key = note->key};
    const struct store_entry thing = {.class = note->class, .kind = note->kind, .key = note->key};
    size_t from = store->record.used;
    int code;

    if (!belongs(store, note))
        return store_db_delete(&store->db, &thing);
    code = put_note(store, &now);
    if (!code)
        code = mirror(store, from);
    store->record.used = from;
    return code;
}

static int mirror_stored(void *ctx, const struct model_stored *stored)
{
    struct store *store = ctx;
    size_t from = store->record.used;
    int code = put_object(store, stored->object.any, stored);

    if (!code)
        code = mirror(store, from);
    store->record.used = from;
    return code;
}

static int mirror_others(struct store *store)
{
    int code = 0;

    for (uint32_t option = 0; !code && option < FWPM_ENGINE_OPTION_MAX; option++)
        code = mirror_note(store, &(struct store_note){.class = ENTRY_OPTION, .key.Data1 = option});
    for (size_t i = 0; !code && i < store->descriptor_count; i++)
        code = mirror_note(store, &store->descriptors[i]);
    for (size_t i = 0; !code && i < store->engine->code_count; i++)
        code = mirror_note(store, &(struct store_note){.class = ENTRY_CODE,
                                                       .kind = MODEL_CALLOUT,
                                                       .key = store->engine->codes[i].key});
    for (const struct driver *driver = store->drivers->first; !code && driver;
         driver = driver->next)
        code = mirror_note(
            store,
            &(struct store_note){.class = ENTRY_DRIVER, .kind = MODEL_CALLOUT, .key = driver->key});
    return code;
}

static int mirror_everything(struct store *store)
{
    int code = store_db_clear(&store->db);

    if (!code)
        code = model_each(store->model, MODEL_PERSISTENT, mirror_stored, store);
    if (!code)
        code = model_each(store->model, MODEL_BOOTTIME, mirror_stored, store);
    return code ? code : mirror_others(store);
}

/* A transaction of the database; one that lacks changes is first given all that is committed. */
static int begin(struct store *store)
{
    int code = store_db_begin(&store->db);

    return !code && store->behind ? mirror_everything(store) : code;
}

static int write_everything(struct store *store, uint64_t sequence)
{
    int code;

    store->behind = true;
    code = begin(store);
    if (!code)
        code = store_db_commit(&store->db, sequence);
    if (code)
        (void)store_db_rollback(&store->db);
    store->behind = code != 0;
    return code;
}

static const char *reason(const struct store *store, int code)
{
    return code == -ENOMEM ? "out of memory" : store->db.why;
}

void keep_everything(struct store *store)
{
    int code = write_everything(store, store->db.sequence + 1);

    if (code)
        log_line(LOG_ERR,
                 "%s; what is persistent is enforced, but not as it is now after the machine's "
                 "next start. The next change of it tries again",
                 reason(store, code));
}

/* ---- the two together ---- */

static void write_part(struct store *store)
{
    if (store->keep.prepared &&
        journal_append_part(&store->journal, store->record.bytes, store->record.used))
        store->keep.prepared = false;
    store->record.used = 0;
}

/* The journal first: it holds the record whole, and the database decides whether it counts. */
static int decide(struct store *store)
{
    int code = put_sequence(store, store->keep.sequence);

    if (code)
        return code;
    if (store->keep.prepared &&
        journal_prepare(&store->journal, store->record.bytes, store->record.used))
        store->keep.prepared = false;
    store->record.used = 0;
    store_record_shrink(store);
    return store_db_commit(&store->db, store->keep.sequence);
}

static void start(struct store *store)
{
    store->keep.prepared = !store->failed && !store->stale;
    store->keep.sequence = store->db.sequence + 1;
    store->keep.callouts = false;
    store->record.used = 0;
}

static uint32_t give_up(struct store *store, int code, struct model_error *error)
{
    struct model_error unread;

    if (!error)
        error = &unread;
    store->record.used = 0;
    if (store->keep.prepared)
        journal_withdraw(&store->journal);
    /* Whether a commit that failed is there after all is not known, if it can't be read. */
    if (!store_db_rollback(&store->db))
        store->behind = true;
    error->code = code == -ENOMEM   ? ERROR_NOT_ENOUGH_MEMORY
                  : code == -ENOSPC ? ERROR_DISK_FULL
                                    : ERROR_WRITE_FAULT;
    snprintf(error->text, sizeof(error->text), "nothing was changed: %.230s", reason(store, code));
    log_limited(LOG_ERR, "a change was refused: %s", reason(store, code));
    return error->code;
}

static void confirm(struct store *store)
{
    store->behind = false;
    /* The journal could not take the record: it is written anew, or said to be behind. */
    if (!store->keep.prepared || journal_confirm(&store->journal))
        store->stale = true;
}

/* ---- a commit of objects ---- */

static int look_for_durable(void *ctx, const struct model_stored *stored, bool added)
{
    return keep_is_durable(stored->lifetime);
}

/* The driver must not be missed when the callout that is being added comes back. */
static int mirror_drivers_of(struct store *store, const GUID *callout)
{
    int code = 0;

    for (const struct driver *driver = store->drivers->first; !code && driver;
         driver = driver->next) {
        size_t from = store->record.used;

        for (size_t i = 0; driver->remembered && i < driver->host.count; i++) {
            if (memcmp(&driver->host.callouts[i].key, callout, sizeof(*callout)) != 0)
                continue;
            code = put_driver(store, driver);
            if (!code)
                code = mirror(store, from);
            break;
        }
        store->record.used = from;
    }
    return code;
}

static int keep_callout(struct store *store, const GUID *key, bool added)
{
    const struct store_entry thing = {.class = ENTRY_CODE, .kind = MODEL_CALLOUT, .key = *key};
    const struct engine_code *loaded = engine_code_find(store->engine, key);
    size_t from = store->record.used;
    int code;

    store->keep.callouts = true;
    if (!added)
        return store_db_delete(&store->db, &thing);
    code = loaded ? put_code_of(store, loaded) : 0;
    if (!code)
        code = mirror(store, from);
    store->record.used = from;
    return code ? code : mirror_drivers_of(store, key);
}

static int keep_object(void *ctx, const struct model_stored *stored, bool added)
{
    struct store *store = ctx;
    const GUID *key = stored->object.any;
    size_t from = store->record.used;
    bool durable = keep_is_durable(stored->lifetime);
    int code;

    if (!put_kept(stored->lifetime))
        return 0;
    if (added)
        code = put_object(store, key, stored);
    else
        code = put_gone(
            store,
            &(struct store_note){.class = ENTRY_OBJECT, .kind = stored->object.kind, .key = *key});
    if (!code && durable)
        code = mirror(store, from);
    if (added)
        store->live += store->record.used - from;
    else
        put_forget(store);
    if (!code && durable && stored->object.kind == MODEL_CALLOUT)
        code = keep_callout(store, key, added);
    if (store->record.used >= STORE_PART)
        write_part(store);
    return code;
}

uint32_t store_keep(struct store *store, const struct model_view *after, struct model_error *error)
{
    int code;

    if (!store->open || !model_view_objects(after, look_for_durable, NULL))
        return ERROR_SUCCESS;
    store_flush(store);
    start(store);
    code = begin(store);
    if (!code)
        code = model_view_objects(after, keep_object, store);
    if (!code)
        code = decide(store);
    if (code)
        return give_up(store, code, error);
    store->keep.going_on = true;
    return ERROR_SUCCESS;
}

/* Deleted callouts may have been what a driver was kept for. */
static void look_at_drivers(struct store *store)
{
    for (const struct driver *driver = store->drivers->first; driver; driver = driver->next)
        if (driver->remembered)
            store_note(store, &(struct store_note){.class = ENTRY_DRIVER,
                                                   .kind = MODEL_CALLOUT,
                                                   .durable = true,
                                                   .key = driver->key});
}

void store_kept(struct store *store, bool in_force)
{
    int code;

    if (!store->keep.going_on)
        return;
    store->keep.going_on = false;
    if (in_force) {
        confirm(store);
        if (store->keep.callouts)
            look_at_drivers(store);
        return;
    }
    if (store->keep.prepared)
        journal_withdraw(&store->journal);
    code = write_everything(store, store->keep.sequence - 1);
    if (code)
        log_line(LOG_ERR,
                 "%s; it has a change that the kernel refused, and is written back with the next "
                 "one",
                 reason(store, code));
}

/* ---- other changes ---- */

bool keep_concerned(const struct store *store)
{
    for (size_t i = 0; i < store->note_count; i++)
        if (store->notes[i].durable)
            return true;
    return false;
}

uint32_t keep_notes(struct store *store, struct model_error *error)
{
    int code;

    start(store);
    code = begin(store);
    for (size_t i = 0; !code && i < store->note_count; i++) {
        if (store->notes[i].durable)
            code = mirror_note(store, &store->notes[i]);
        if (!code)
            code = put_note(store, &store->notes[i]);
        if (store->record.used >= STORE_PART)
            write_part(store);
    }
    if (!code)
        code = decide(store);
    if (code)
        return give_up(store, code, error);
    confirm(store);
    store->note_count = 0;
    return ERROR_SUCCESS;
}
