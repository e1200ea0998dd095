#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "engine.h"
#include "log.h"
#include "model/guid.h"
#include "store_entry.h"
#include "store_keep.h"
#include "store_load.h"
#include "store_put.h"

#define REWRITE_SLACK (1u << 20) /* history that is not worth a rewrite */
#define NOTES_KEPT    4096u      /* room for so many notes is kept */
#define ID_BLOCK      1024u      /* ids are reserved in the journal so many at a time */

/* ---- the record ---- */

static int record_write(struct store *store)
{
    int code = 0;

    if (store->record.used)
        code = journal_append(&store->journal, store->record.bytes, store->record.used);
    store->record.used = 0;
    store_record_shrink(store);
    return code;
}

void store_record_shrink(struct store *store)
{
    if (store->record.room <= 2 * STORE_PART)
        return;
    free(store->record.bytes);
    store->record.bytes = NULL;
    store->record.room = 0;
}

static int record_write_part(struct store *store)
{
    int code = journal_append_part(&store->journal, store->record.bytes, store->record.used);

    store->record.used = 0;
    return code;
}

/* ---- noting what changed ---- */

void store_note(struct store *store, const struct store_note *what)
{
    size_t room = store->note_room ? store->note_room * 2 : 64;
    struct store_note *larger;

    if (!store->open)
        return;
    if (store->note_count == store->note_room) {
        larger = realloc(store->notes, room * sizeof(*larger));
        if (!larger) {
            store->stale = true;
            return;
        }
        store->notes = larger;
        store->note_room = room;
    }
    store->notes[store->note_count++] = *what;
}

static void note_id(struct store *store, enum model_kind kind, uint64_t id)
{
    if (id <= store->reserved[kind])
        return;
    store->reserved[kind] = id + ID_BLOCK;
    store_note(store, &(struct store_note){.class = ENTRY_IDS, .kind = kind});
}

void store_changed(struct store *store, const struct model_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note_id(store, changes[i].kind, changes[i].id);
        if (store->keep.going_on)
            continue;
        store_note(store, &(struct store_note){.class = ENTRY_OBJECT,
                                               .kind = changes[i].kind,
                                               .fresh = changes[i].type == FWPM_CHANGE_ADD,
                                               .gone = changes[i].type == FWPM_CHANGE_DELETE,
                                               .key = changes[i].key});
    }
}

static void forget_notes(struct store *store)
{
    store->note_count = 0;
    if (store->note_room <= NOTES_KEPT)
        return;
    free(store->notes);
    store->notes = NULL;
    store->note_room = 0;
}

/* The notes' fate is the call's: nothing of them is left when they can't be kept. */
static uint32_t settle_notes(struct store *store, struct model_error *error)
{
    uint32_t code = ERROR_SUCCESS;

    if (keep_concerned(store))
        code = keep_notes(store, error);
    if (code != ERROR_SUCCESS)
        forget_notes(store);
    return code;
}

uint32_t store_keep_option(struct store *store, FWPM_ENGINE_OPTION option,
                           struct model_error *error)
{
    store_flush(store);
    store_note(store, &(struct store_note){
                          .class = ENTRY_OPTION, .durable = true, .key.Data1 = (uint32_t)option});
    return settle_notes(store, error);
}

static void note_code(struct store *store, const GUID *callout)
{
    store_note(store, &(struct store_note){.class = ENTRY_CODE,
                                           .kind = MODEL_CALLOUT,
                                           .durable = keep_is_persistent(store, callout),
                                           .key = *callout});
}

uint32_t store_keep_code(struct store *store, const GUID *callout, struct model_error *error)
{
    const struct engine *engine = store->engine;
    const struct engine_code *code = engine_code_find(engine, callout);

    store_flush(store);
    note_code(store, callout);
    /* A file that was replaced is a new one for all callouts that it serves. */
    for (size_t i = 0; code && i < engine->code_count; i++)
        if (engine->codes[i].slot == code->slot && &engine->codes[i] != code)
            note_code(store, &engine->codes[i].key);
    return settle_notes(store, error);
}

void store_note_driver(struct store *store, const GUID *driver)
{
    store_note(store, &(struct store_note){.class = ENTRY_DRIVER,
                                           .kind = MODEL_CALLOUT,
                                           .durable = keep_concerns_driver(store, driver),
                                           .key = *driver});
}

/* Descriptors that no object entry carries must be found again at a rewrite. */
static void remember_descriptor(struct store *store, const struct store_note *what)
{
    struct store_note *larger;

    for (size_t i = 0; i < store->descriptor_count; i++)
        if (!memcmp(&store->descriptors[i], what, sizeof(*what)))
            return;
    larger = realloc(store->descriptors, (store->descriptor_count + 1) * sizeof(*larger));
    if (!larger) {
        log_line(LOG_ERR, "out of memory: a changed security descriptor may not outlive bfe");
        return;
    }
    store->descriptors = larger;
    store->descriptors[store->descriptor_count++] = *what;
}

void store_note_descriptor(struct store *store, enum model_kind kind, const GUID *key)
{
    struct store_note what;

    memset(&what, 0, sizeof(what));
    what.class = ENTRY_SECURITY;
    what.kind = kind;
    what.keyed = key != NULL;
    what.durable = true;
    if (key)
        what.key = *key;
    remember_descriptor(store, &what);
    store_note(store, &what);
}

uint32_t store_keep_security(struct store *store, enum model_kind kind, const GUID *key,
                             struct model_error *error)
{
    struct model_stored stored;

    store_flush(store);
    if (key && kind <= MODEL_FILTER &&
        model_stored_get(store->model, kind, key, &stored, NULL) == ERROR_SUCCESS &&
        stored.lifetime != MODEL_BUILTIN)
        store_note(store, &(struct store_note){.class = ENTRY_OBJECT,
                                               .kind = kind,
                                               .durable = keep_is_durable(stored.lifetime),
                                               .key = *key});
    else
        store_note_descriptor(store, kind, key);
    return settle_notes(store, error);
}

/* ---- writing ---- */

static int visit_object(void *ctx, const struct model_stored *stored)
{
    struct store *store = ctx;
    /* Every kind's structure begins with its key. */
    int code = put_object(store, stored->object.any, stored);

    if (!code && store->record.used > REWRITE_SLACK)
        code = record_write(store);
    return code;
}

static int put_everything(struct store *store)
{
    int code = put_sequence(store, store->db.sequence);

    for (int lifetime = 0; !code && lifetime <= MODEL_BUILTIN; lifetime++)
        if (put_kept(lifetime))
            code = model_each(store->model, lifetime, visit_object, store);
    for (int kind = 0; !code && kind < MODEL_KINDS; kind++)
        code = put_ids(store, kind);
    for (int option = 0; !code && option < FWPM_ENGINE_OPTION_MAX; option++)
        code = put_option(store, option);
    for (size_t i = 0; !code && i < store->descriptor_count; i++)
        code = put_security(store, &store->descriptors[i]);
    for (size_t i = 0; !code && i < store->engine->code_count; i++)
        code = put_code_of(store, &store->engine->codes[i]);
    for (const struct driver *driver = store->drivers->first; !code && driver;
         driver = driver->next)
        if (driver->remembered)
            code = put_driver(store, driver);
    return code;
}

static bool mostly_history(const struct store *store)
{
    return store->journal.size > 2 * store->live + REWRITE_SLACK;
}

static int rewrite(struct store *store)
{
    int code = journal_rewrite_begin(&store->journal);

    if (code)
        return code;
    store->record.used = 0;
    code = put_everything(store);
    if (!code)
        code = record_write(store);
    if (code)
        journal_rewrite_abort(&store->journal);
    else
        code = journal_rewrite_end(&store->journal);
    if (!code) {
        store->live = store->journal.size;
        store->stale = false;
    }
    return code;
}

/* Only the journal: what the database lacks it gets with its next transaction. */
static int write_notes(struct store *store)
{
    int code = 0;

    for (size_t i = 0; !code && i < store->note_count; i++) {
        code = put_note(store, &store->notes[i]);
        if (!code && store->record.used >= STORE_PART)
            code = record_write_part(store);
    }
    if (!code)
        code = record_write(store);
    store->record.used = 0;
    return code;
}

static void report(struct store *store, int code)
{
    if (code && !store->failed)
        log_line(LOG_ERR,
                 "can't write %s: %s; the policy is enforced, but changes made from now on are "
                 "lost if bfe dies. Make room there",
                 store->journal.path, strerror(-code));
    if (!code && store->failed)
        log_line(LOG_NOTICE, "%s is written again", store->journal.path);
    store->failed = code != 0;
}

void store_flush(struct store *store)
{
    struct model_error error;
    bool whole = store->failed || store->stale;
    int code = 0;

    if (!store->open || (!store->note_count && !whole && !mostly_history(store)))
        return;
    /* There is nobody to tell but the log. */
    if (keep_concerned(store) && keep_notes(store, &error) != ERROR_SUCCESS)
        store->behind = true;
    whole = whole || store->stale;
    if (!whole && store->note_count)
        code = write_notes(store);
    forget_notes(store);
    /* After a failure only the whole policy brings the journal up to date again. */
    if (code || whole || mostly_history(store))
        code = rewrite(store);
    report(store, code);
}

/* ---- life ---- */

int store_open(struct store *store, struct model *model, struct engine *engine,
               struct drivers *drivers, const struct store_paths *paths)
{
    int code;

    *store = (struct store){
        .model = model, .engine = engine, .drivers = drivers, .journal = {.fd = -1, .draft = -1}};
    arena_init(&store->arena, JOURNAL_RECORD_MAX);
    code = store_load(store, paths);
    if (code)
        return code;
    store->open = true;
    if (store->behind)
        keep_everything(store);
    code = rewrite(store);
    report(store, code);
    return 0;
}

void store_close(struct store *store)
{
    if (store->open)
        store_flush(store);
    if (store->open && store->behind)
        keep_everything(store);
    store->open = false;
    if (store->session)
        model_session_close(store->session);
    store->session = NULL;
    journal_close(&store->journal);
    store_db_close(&store->db);
    arena_free(&store->arena);
    free(store->record.bytes);
    free(store->notes);
    free(store->descriptors);
    store->notes = store->descriptors = NULL;
    store->record.bytes = NULL;
}
