#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "engine.h"
#include "log.h"
#include "model/guid.h"
#include "rpc/convert.h"
#include "store_entry.h"
#include "store_load.h"

#define REWRITE_SLACK (1u << 20) /* history that is not worth a rewrite */
#define PART          (1u << 18) /* a long record is written in parts of this size */
#define NOTES_KEPT    4096u      /* room for so many notes is kept */
#define ID_BLOCK      1024u      /* ids are reserved in the journal so many at a time */
#define ALL_PARTS                                                                                  \
    (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |         \
     SACL_SECURITY_INFORMATION)

/* ---- the record being built ---- */

static bool record_room(struct store *store, size_t more)
{
    size_t room = store->record.room ? store->record.room : 4096;
    uint8_t *bytes;

    while (room < store->record.used + more)
        room *= 2;
    if (room == store->record.room)
        return true;
    bytes = realloc(store->record.bytes, room);
    if (!bytes)
        return false;
    store->record.bytes = bytes;
    store->record.room = room;
    return true;
}

static int record_put(struct store *store, const struct store_entry *entry)
{
    size_t size = entry_size(entry);

    if (!record_room(store, size))
        return -ENOMEM;
    entry_write(entry, store->record.bytes + store->record.used);
    store->record.used += size;
    return 0;
}

static int record_write(struct store *store)
{
    int code = 0;

    if (store->record.used)
        code = journal_append(&store->journal, store->record.bytes, store->record.used);
    store->record.used = 0;
    if (store->record.room > 2 * PART) {
        free(store->record.bytes);
        store->record.bytes = NULL;
        store->record.room = 0;
    }
    return code;
}

static int record_write_part(struct store *store)
{
    int code = journal_append_part(&store->journal, store->record.bytes, store->record.used);

    store->record.used = 0;
    return code;
}

/* ---- entries from what they are about ---- */

static uint64_t object_id(const struct model_object *object)
{
    switch (object->kind) {
    case MODEL_PROVIDER_CONTEXT:
        return object->provider_context->providerContextId;
    case MODEL_CALLOUT:
        return object->callout->calloutId;
    case MODEL_FILTER:
        return object->filter->filterId;
    default:
        return 0;
    }
}

static int put_object(struct store *store, const GUID *key, const struct model_stored *stored)
{
    struct converter convert = {.arena = &store->arena};
    struct store_entry entry = {
        .class = ENTRY_OBJECT,
        .kind = stored->object.kind,
        .lifetime = stored->lifetime,
        .creator = stored->creator,
        .id = object_id(&stored->object),
        .key = *key,
    };
    Rpc__Objects *body;
    uint8_t *bytes;
    int code = -ENOMEM;

    body = encode_objects(&convert, stored->object.kind, 1, &stored->object.any);
    if (!body)
        goto out;
    entry.body_size = (uint32_t)rpc__objects__get_packed_size(body);
    bytes = arena_alloc(&store->arena, entry.body_size);
    if (!bytes)
        goto out;
    rpc__objects__pack(body, bytes);
    entry.body = bytes;
    if (stored->sd) {
        entry.sd = stored->sd->data;
        entry.sd_size = stored->sd->size;
    }
    code = record_put(store, &entry);
out:
    arena_reset(&store->arena);
    return code;
}

static bool kept(enum model_lifetime lifetime)
{
    return lifetime == MODEL_STATIC || lifetime == MODEL_PERSISTENT || lifetime == MODEL_BOOTTIME;
}

static int put_gone(struct store *store, const struct store_note *note)
{
    const struct store_entry entry = {
        .class = note->class, .kind = note->kind, .key = note->key, .gone = true};

    return record_put(store, &entry);
}

/* Its entry becomes history; it is taken to be as long as all are on average. */
static void forget_one(struct store *store)
{
    size_t left = 1;

    for (int kind = 0; kind <= MODEL_FILTER; kind++)
        left += model_count(store->model, kind);
    store->live -= store->live / left;
}

static int put_note_object(struct store *store, const struct store_note *note)
{
    size_t before = store->record.used;
    struct model_stored stored;
    uint32_t code;
    int result;

    if (note->gone)
        forget_one(store);
    /* What is there now counts: a transaction may delete a key and add it again. */
    code = model_stored_get(store->model, note->kind, &note->key, &stored, NULL);
    if (code != ERROR_SUCCESS || !kept(stored.lifetime))
        return note->gone ? put_gone(store, note) : 0;
    result = put_object(store, &note->key, &stored);
    if (note->fresh)
        store->live += store->record.used - before;
    return result;
}

static int put_security(struct store *store, const struct store_note *note)
{
    struct store_entry entry = {
        .class = ENTRY_SECURITY, .kind = note->kind, .key = note->key, .keyed = note->keyed};
    FWP_BYTE_BLOB sd = {0};
    int code;

    if (model_security_get(store->session, note->kind, note->keyed ? &note->key : NULL, ALL_PARTS,
                           &sd, NULL) != ERROR_SUCCESS)
        return 0;
    entry.sd = sd.data;
    entry.sd_size = sd.size;
    code = record_put(store, &entry);
    free(sd.data);
    return code;
}

static int put_option(struct store *store, FWPM_ENGINE_OPTION option)
{
    const struct store_entry entry = {
        .class = ENTRY_OPTION,
        .key.Data1 = (uint32_t)option,
        .id = model_engine_option(store->model, option),
    };

    return record_put(store, &entry);
}

static int put_code(struct store *store, const struct store_note *note)
{
    const struct engine_code *code = engine_code_find(store->engine, &note->key);

    return code ? store_put_code(store, code) : put_gone(store, note);
}

int store_put_code(struct store *store, const struct engine_code *code)
{
    const struct engine_object *object = &store->engine->slots[code->slot];
    size_t name = strlen(object->name) + 1;
    struct store_entry entry = {
        .class = ENTRY_CODE,
        .kind = MODEL_CALLOUT,
        .creator = code->id,
        .key = code->key,
        .id = code->slot,
        .time = object->time,
        .body_size = (uint32_t)(name + object->size),
    };
    uint8_t *body = arena_alloc(&store->arena, entry.body_size);
    int result = -ENOMEM;

    if (body) {
        memcpy(body, object->name, name);
        memcpy(body + name, object->bytes, object->size);
        entry.body = body;
        result = record_put(store, &entry);
    }
    arena_reset(&store->arena);
    return result;
}

static int put_driver(struct store *store, const struct driver *driver)
{
    struct store_entry entry = {.class = ENTRY_DRIVER, .kind = MODEL_CALLOUT, .key = driver->key};
    uint8_t body[DRIVER_PACKED_MAX];

    entry.body = body;
    entry.body_size = (uint32_t)driver_pack(driver, body, sizeof(body));
    return record_put(store, &entry);
}

static int put_note_driver(struct store *store, const struct store_note *note)
{
    const struct driver *driver = drivers_find_key(store->drivers, &note->key);

    return driver && driver->remembered ? put_driver(store, driver) : put_gone(store, note);
}

static int put_ids(struct store *store, enum model_kind kind)
{
    const struct store_entry entry = {
        .class = ENTRY_IDS, .kind = kind, .id = store->reserved[kind]};

    return entry.id ? record_put(store, &entry) : 0;
}

static int put_note(struct store *store, const struct store_note *note)
{
    switch (note->class) {
    case ENTRY_OBJECT:
        return put_note_object(store, note);
    case ENTRY_SECURITY:
        return put_security(store, note);
    case ENTRY_OPTION:
        return put_option(store, (FWPM_ENGINE_OPTION)note->key.Data1);
    case ENTRY_IDS:
        return put_ids(store, note->kind);
    case ENTRY_DRIVER:
        return put_note_driver(store, note);
    default:
        return put_code(store, note);
    }
}

/* ---- noting what changed ---- */

static void note(struct store *store, const struct store_note *what)
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
    note(store, &(struct store_note){.class = ENTRY_IDS, .kind = kind});
}

void store_changed(struct store *store, const struct model_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note_id(store, changes[i].kind, changes[i].id);
        note(store, &(struct store_note){.class = ENTRY_OBJECT,
                                         .kind = changes[i].kind,
                                         .fresh = changes[i].type == FWPM_CHANGE_ADD,
                                         .gone = changes[i].type == FWPM_CHANGE_DELETE,
                                         .key = changes[i].key});
    }
}

void store_note_option(struct store *store, FWPM_ENGINE_OPTION option)
{
    note(store, &(struct store_note){.class = ENTRY_OPTION, .key.Data1 = (uint32_t)option});
}

void store_note_code(struct store *store, const GUID *callout)
{
    const struct engine *engine = store->engine;
    const struct engine_code *code = engine_code_find(engine, callout);

    note(store, &(struct store_note){.class = ENTRY_CODE, .kind = MODEL_CALLOUT, .key = *callout});
    /* A file that was replaced is a new one for all callouts that it serves. */
    for (size_t i = 0; code && i < engine->code_count; i++)
        if (engine->codes[i].slot == code->slot && &engine->codes[i] != code)
            note(store, &(struct store_note){.class = ENTRY_CODE,
                                             .kind = MODEL_CALLOUT,
                                             .key = engine->codes[i].key});
}

void store_note_driver(struct store *store, const GUID *driver)
{
    note(store, &(struct store_note){.class = ENTRY_DRIVER, .kind = MODEL_CALLOUT, .key = *driver});
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
    if (key)
        what.key = *key;
    remember_descriptor(store, &what);
    note(store, &what);
}

void store_note_security(struct store *store, enum model_kind kind, const GUID *key)
{
    struct model_stored stored;

    if (key && kind <= MODEL_FILTER &&
        model_stored_get(store->model, kind, key, &stored, NULL) == ERROR_SUCCESS &&
        stored.lifetime != MODEL_BUILTIN)
        note(store, &(struct store_note){.class = ENTRY_OBJECT, .kind = kind, .key = *key});
    else
        store_note_descriptor(store, kind, key);
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
    int code = 0;

    for (int lifetime = 0; !code && lifetime <= MODEL_BUILTIN; lifetime++)
        if (kept(lifetime))
            code = model_each(store->model, lifetime, visit_object, store);
    for (int kind = 0; !code && kind < MODEL_KINDS; kind++)
        code = put_ids(store, kind);
    for (int option = 0; !code && option < FWPM_ENGINE_OPTION_MAX; option++)
        code = put_option(store, option);
    for (size_t i = 0; !code && i < store->descriptor_count; i++)
        code = put_security(store, &store->descriptors[i]);
    for (size_t i = 0; !code && i < store->engine->code_count; i++)
        code = store_put_code(store, &store->engine->codes[i]);
    for (const struct driver *driver = store->drivers->first; !code && driver;
         driver = driver->next)
        if (driver->remembered)
            code = put_driver(store, driver);
    return code;
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

static int write_notes(struct store *store)
{
    int code = 0;

    for (size_t i = 0; !code && i < store->note_count; i++) {
        code = put_note(store, &store->notes[i]);
        if (!code && store->record.used >= PART)
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

static void forget_notes(struct store *store)
{
    store->note_count = 0;
    if (store->note_room <= NOTES_KEPT)
        return;
    free(store->notes);
    store->notes = NULL;
    store->note_room = 0;
}

static bool mostly_history(const struct store *store)
{
    return store->journal.size > 2 * store->live + REWRITE_SLACK;
}

void store_flush(struct store *store)
{
    bool whole = store->failed || store->stale;
    int code = 0;

    if (!store->open || (!store->note_count && !whole))
        return;
    if (!whole)
        code = write_notes(store);
    forget_notes(store);
    /* After a failure only the whole policy brings the journal up to date again. */
    if (code || whole || mostly_history(store))
        code = rewrite(store);
    report(store, code);
}

/* ---- life ---- */

int store_open(struct store *store, struct model *model, struct engine *engine,
               struct drivers *drivers, const char *path)
{
    int code;

    *store = (struct store){
        .model = model, .engine = engine, .drivers = drivers, .journal = {.fd = -1, .draft = -1}};
    arena_init(&store->arena, JOURNAL_RECORD_MAX);
    code = store_load(store, path);
    if (code)
        return code;
    store->open = true;
    code = rewrite(store);
    report(store, code);
    return 0;
}

void store_close(struct store *store)
{
    if (store->open)
        store_flush(store);
    store->open = false;
    if (store->session)
        model_session_close(store->session);
    store->session = NULL;
    journal_close(&store->journal);
    arena_free(&store->arena);
    free(store->record.bytes);
    free(store->notes);
    free(store->descriptors);
    store->notes = store->descriptors = NULL;
    store->record.bytes = NULL;
}
